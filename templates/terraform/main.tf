# What jobs of beam_audio need in a project: a bucket, a registry, a topic with a subscription, the
# account of the workers and the account that submits, with no more roles than docs/dataflow.md lists.

locals {
  services = ["artifactregistry", "cloudbuild", "compute", "dataflow", "pubsub", "storage"]

  worker    = "serviceAccount:${google_service_account.worker.email}"
  submitter = "serviceAccount:${google_service_account.submitter.email}"
}

resource "google_project_service" "all" {
  for_each = toset(local.services)

  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}

resource "google_storage_bucket" "all" {
  name                        = var.bucket
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # Deleted temporary files would be paid for another week.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  # Notes of streams are used for 31 days. No rule may match _units/ or the tables.
  dynamic "lifecycle_rule" {
    for_each = var.stream == null ? [] : [var.stream.output]

    content {
      action {
        type = "Delete"
      }

      condition {
        age            = 31
        matches_prefix = ["${lifecycle_rule.value}/_places/", "${lifecycle_rule.value}/_outbox/"]
      }
    }
  }

  depends_on = [google_project_service.all]
}

resource "google_artifact_registry_repository" "images" {
  repository_id = "beam-audio"
  location      = var.region
  format        = "DOCKER"

  depends_on = [google_project_service.all]
}

resource "google_pubsub_topic" "recordings" {
  name = "beam-audio-recordings"

  depends_on = [google_project_service.all]
}

resource "google_pubsub_subscription" "recordings" {
  name                       = "beam-audio-recordings"
  topic                      = google_pubsub_topic.recordings.id
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"
  retain_acked_messages      = true # so that messages a cancelled job lost can be sent again

  expiration_policy {
    ttl = "" # never
  }
}
