locals {
  # Ids of datasets and roles know no hyphen.
  identifier = replace(var.name, "-", "_")

  labels = merge(var.labels, { system = var.name, managed_by = "terraform" })

  retention = "${var.retention_days * 24 * 60 * 60}s"
  worker    = "serviceAccount:${google_service_account.worker.email}"

  # What lies where in the bucket. Lifecycle rules and the job's locations are made of the same names.
  folders = {
    results   = "results"
    templates = "templates"
    staging   = "staging"
    temp      = "temp"
  }
  results_url = "gs://${google_storage_bucket.data.name}/${local.folders.results}"
  staging_url = "gs://${google_storage_bucket.data.name}/${local.folders.staging}"
  temp_url    = "gs://${google_storage_bucket.data.name}/${local.folders.temp}"
  spec_url    = "gs://${google_storage_bucket.data.name}/${local.folders.templates}/${var.name}.json"
  image_url   = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}/${var.name}:${var.image_tag}"

  # The job's flags, by the names that a template's parameters have. What is read and written is what is made here, and
  # not for job_parameters to change; the flush interval is, and keeps files few and large.
  defaults = {
    flush_interval = "60s"
  }
  connections = {
    subscription      = google_pubsub_subscription.telemetry.id
    output            = local.results_url
    bigquery          = "${var.project}:${google_bigquery_dataset.results.dataset_id}"
    alerts_topic      = google_pubsub_topic.alerts.id
    dead_letter_topic = google_pubsub_topic.dead_letters.id
  }
  parameters = merge(local.defaults, var.job_parameters, local.connections)
}
