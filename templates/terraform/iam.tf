# Launcher and workers run as this account, which has no key and may do what is listed here.
resource "google_service_account" "worker" {
  account_id   = "${var.name}-worker"
  display_name = "Workers of the job ${var.name}"

  depends_on = [google_project_service.enabled]
}

# On the project, as there is nothing smaller to grant these on. dataflow.worker also writes metrics and logs.
# bigquery.jobUser: rows and tables need no job of BigQuery; Beam's own sink (--bigquery-method storage_write_api) may.
resource "google_project_iam_member" "worker" {
  for_each = toset([
    "roles/bigquery.jobUser",
    "roles/dataflow.worker",
  ])

  project = var.project
  role    = each.value
  member  = local.worker
}

# subscriber consumes; viewer lets Dataflow and the job look at the subscription's settings, above all its deadline.
resource "google_pubsub_subscription_iam_member" "worker" {
  for_each = toset([
    "roles/pubsub.subscriber",
    "roles/pubsub.viewer",
  ])

  subscription = google_pubsub_subscription.telemetry.name
  role         = each.value
  member       = local.worker
}

# publisher is enough: a topic that the account may not look at is taken at its word.
resource "google_pubsub_topic_iam_member" "worker" {
  for_each = {
    alerts       = google_pubsub_topic.alerts.name
    dead_letters = google_pubsub_topic.dead_letters.name
  }

  topic  = each.value
  role   = "roles/pubsub.publisher"
  member = local.worker
}

# The job takes event times from an attribute of the messages. To know how old the oldest unread one is, Dataflow then
# keeps a subscription of its own beside ours, which it creates with the workers' rights and deletes in the end. Rights
# on subscriptions that do not exist yet can only be given on the project; a role of four permissions is the least there
# is (roles/pubsub.editor would also delete topics). A system that shares its project with others may switch it off.
resource "google_project_iam_custom_role" "watermark" {
  count = var.watermark_subscription ? 1 : 0

  role_id     = "${local.identifier}_watermark"
  title       = "Watermark of ${var.name}"
  description = "Lets Dataflow keep a subscription of its own, from which it estimates the watermark."
  permissions = [
    "pubsub.subscriptions.consume",
    "pubsub.subscriptions.create",
    "pubsub.subscriptions.delete",
    "pubsub.subscriptions.get",
  ]

  depends_on = [google_project_service.enabled]
}

resource "google_project_iam_member" "watermark" {
  count = var.watermark_subscription ? 1 : 0

  project = var.project
  role    = google_project_iam_custom_role.watermark[0].name
  member  = local.worker
}

# On a topic, subscriber means to attach a subscription to it.
resource "google_pubsub_topic_iam_member" "watermark" {
  for_each = var.watermark_subscription ? toset(["roles/pubsub.subscriber", "roles/pubsub.viewer"]) : toset([])

  topic  = google_pubsub_topic.telemetry.name
  role   = each.value
  member = local.worker
}

# Objects of this one bucket: results, staged and temporary files, the template's specification.
resource "google_storage_bucket_iam_member" "worker" {
  bucket = google_storage_bucket.data.name
  role   = "roles/storage.objectAdmin"
  member = local.worker
}

# Tables, views and rows of this one dataset.
resource "google_bigquery_dataset_iam_member" "worker" {
  dataset_id = google_bigquery_dataset.results.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = local.worker
}

resource "google_artifact_registry_repository_iam_member" "worker" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = local.worker
}

resource "google_service_account_iam_member" "launchers" {
  for_each = var.launchers

  service_account_id = google_service_account.worker.name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}

resource "google_pubsub_topic_iam_member" "publishers" {
  for_each = var.publishers

  topic  = google_pubsub_topic.telemetry.name
  role   = "roles/pubsub.publisher"
  member = each.value
}
