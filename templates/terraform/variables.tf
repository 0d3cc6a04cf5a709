variable "project" {
  description = "Project that everything is made in."
  type        = string
}

variable "region" {
  description = "Region of the bucket, the registry and the jobs."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket for recordings, tables, templates and temporary files."
  type        = string
}

variable "submitters" {
  description = "Who may submit jobs, such as user:ada@example.com: each may act as the submitter's account."
  type        = set(string)
  default     = []
}

variable "stream" {
  description = "A stream that runs until it is drained. Leave it out until the images and the template are built."
  type = object({
    template   = string # gs://….json, as cloudbuild.yaml or build.sh registered it
    image      = string # of the workers, by its digest
    job_name   = optional(string, "beam-audio-stream")
    output     = optional(string, "out") # folder in the bucket
    parameters = optional(map(string), {})

    machine_type                = optional(string, "n2-standard-4")
    max_workers                 = optional(number, 4)
    additional_experiments      = optional(list(string), [])
    additional_pipeline_options = optional(list(string), ["number_of_worker_harness_threads=1", "disk_size_gb=50"])
  })
  default = null
}
