resource "google_service_account" "worker" {
  account_id   = "beam-audio-worker"
  display_name = "Workers and template launchers of beam_audio"
}

resource "google_service_account" "submitter" {
  account_id   = "beam-audio-submitter"
  display_name = "Submits jobs of beam_audio"
}

resource "google_project_iam_member" "worker" {
  project = var.project
  role    = "roles/dataflow.worker"
  member  = local.worker
}

resource "google_project_iam_member" "submitter" {
  project = var.project
  role    = "roles/dataflow.developer"
  member  = local.submitter
}

# Objects of both; Beam also asks for the bucket itself before it uploads to it.
resource "google_storage_bucket_iam_member" "objects" {
  for_each = { worker = local.worker, submitter = local.submitter }

  bucket = google_storage_bucket.all.name
  role   = "roles/storage.objectAdmin"
  member = each.value
}

resource "google_storage_bucket_iam_member" "bucket" {
  for_each = { worker = local.worker, submitter = local.submitter }

  bucket = google_storage_bucket.all.name
  role   = "roles/storage.legacyBucketReader"
  member = each.value
}

resource "google_artifact_registry_repository_iam_member" "worker" {
  repository = google_artifact_registry_repository.images.name
  location   = google_artifact_registry_repository.images.location
  role       = "roles/artifactregistry.reader"
  member     = local.worker
}

resource "google_pubsub_subscription_iam_member" "worker" {
  for_each = toset(["roles/pubsub.subscriber", "roles/pubsub.viewer"])

  subscription = google_pubsub_subscription.recordings.name
  role         = each.key
  member       = local.worker
}

resource "google_pubsub_subscription_iam_member" "submitter" {
  subscription = google_pubsub_subscription.recordings.name
  role         = "roles/pubsub.viewer"
  member       = local.submitter
}

# A job runs as the workers' account, so whoever submits must be allowed to use it.
resource "google_service_account_iam_member" "submitter" {
  service_account_id = google_service_account.worker.name
  role               = "roles/iam.serviceAccountUser"
  member             = local.submitter
}

resource "google_service_account_iam_member" "people" {
  for_each = var.submitters

  service_account_id = google_service_account.submitter.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.key
}
