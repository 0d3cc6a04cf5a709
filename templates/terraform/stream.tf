# Batches end by themselves, so templates/launch.py submits them; a stream is kept here.
resource "google_dataflow_flex_template_job" "stream" {
  count = var.stream == null ? 0 : 1

  name                    = var.stream.job_name
  region                  = var.region
  container_spec_gcs_path = var.stream.template
  on_delete               = "drain" # a cancelled job would lose messages it has acknowledged

  parameters = merge(var.stream.parameters, {
    subscription        = google_pubsub_subscription.recordings.id
    output              = "gs://${google_storage_bucket.all.name}/${var.stream.output}"
    sdk_container_image = var.stream.image
  })

  temp_location               = "gs://${google_storage_bucket.all.name}/tmp"
  service_account_email       = google_service_account.worker.email
  machine_type                = var.stream.machine_type
  max_workers                 = var.stream.max_workers
  enable_streaming_engine     = true
  additional_experiments      = var.stream.additional_experiments
  additional_pipeline_options = var.stream.additional_pipeline_options

  depends_on = [
    google_artifact_registry_repository_iam_member.worker,
    google_project_iam_member.worker,
    google_pubsub_subscription_iam_member.worker,
    google_storage_bucket_iam_member.bucket,
    google_storage_bucket_iam_member.objects,
  ]
}
