#!/usr/bin/env bash
# Builds and pushes the images and registers the flex template:
#   templates/build.sh REPOSITORY TAG gs://BUCKET/templates
# REPOSITORY is one of Artifact Registry, such as europe-west4-docker.pkg.dev/PROJECT/beam-audio.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
repository=${1:?REPOSITORY is missing} tag=${2:?TAG is missing} folder=${3:?a gs:// folder is missing}

for kind in cpu gpu; do
    image=$repository/worker-$kind:$tag
    docker build --platform linux/amd64 --file "templates/worker-$kind.Dockerfile" --tag "$image" .
    docker push "$image"
    # By its digest an image stays what it is, whatever is pushed under the tag later.
    docker inspect --format '{{index .RepoDigests 0}}' "$image"
done
launcher=$(docker inspect --format '{{index .RepoDigests 0}}' "$repository/worker-cpu:$tag")
gcloud dataflow flex-template build "${folder%/}/beam-audio-$tag.json" \
    --image="$launcher" --sdk-language=PYTHON --metadata-file=templates/metadata.json
