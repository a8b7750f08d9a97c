# Only the dataset. The job makes its tables and views when it starts (python -m pipeline tables --create does so, too):
# their columns come from telemetry/model/records.py and --metrics, and a second description here would drift from them.
resource "google_bigquery_dataset" "results" {
  dataset_id                 = local.identifier
  location                   = var.region # beside the bucket, so that files can be loaded; cannot be changed later
  description                = "Results of live anomaly detection for IoT telemetry; the job makes the tables."
  delete_contents_on_destroy = var.allow_destroy_data
  labels                     = local.labels

  depends_on = [google_project_service.enabled]
}
