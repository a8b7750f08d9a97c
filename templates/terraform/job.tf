# The job itself, if Terraform shall run it (launch = true). Otherwise: python -m templates run, with the outputs.
# The template has to be there before: python -m templates build.
resource "google_dataflow_flex_template_job" "telemetry" {
  provider = google-beta
  count    = var.launch ? 1 : 0

  name                    = var.name
  region                  = var.region
  container_spec_gcs_path = local.spec_url
  sdk_container_image     = local.image_url
  parameters              = local.parameters
  labels                  = local.labels

  service_account_email   = google_service_account.worker.email
  staging_location        = local.staging_url
  temp_location           = local.temp_url
  machine_type            = var.machine_type
  max_workers             = var.max_workers
  enable_streaming_engine = true
  subnetwork              = var.subnetwork
  ip_configuration        = var.public_ips ? "WORKER_IP_PUBLIC" : "WORKER_IP_PRIVATE"

  # Open windows are reported and everything taken is written before it ends.
  on_delete = "drain"

  # A job that starts before its rights fails.
  depends_on = [
    google_artifact_registry_repository_iam_member.worker,
    google_bigquery_dataset_iam_member.worker,
    google_project_iam_member.watermark,
    google_project_iam_member.worker,
    google_pubsub_subscription_iam_member.worker,
    google_pubsub_topic_iam_member.watermark,
    google_pubsub_topic_iam_member.worker,
    google_storage_bucket_iam_member.worker,
  ]
}
