terraform {
  required_version = ">= 1.5"

  required_providers {
    # google_dataflow_flex_template_job is in the beta provider alone, which has all the rest too.
    google = {
      source  = "hashicorp/google-beta"
      version = "~> 6.50"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}
