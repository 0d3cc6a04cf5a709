output "repository" {
  description = "REPOSITORY of cloudbuild.yaml and build.sh."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "subscription" {
  description = "--subscription of a stream."
  value       = google_pubsub_subscription.recordings.id
}

output "topic" {
  description = "Topic that recordings are named in."
  value       = google_pubsub_topic.recordings.id
}

output "worker" {
  description = "--service_account_email of a job."
  value       = google_service_account.worker.email
}

output "submitter" {
  description = "Account to sign in as: gcloud auth application-default login --impersonate-service-account=…"
  value       = google_service_account.submitter.email
}
