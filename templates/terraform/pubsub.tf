resource "google_pubsub_topic" "telemetry" {
  name   = var.name
  labels = local.labels

  depends_on = [google_project_service.enabled]
}

# What the job reads. Three settings are deliberately not here:
# - dead_letter_policy: it counts deliveries, and Dataflow delivers again whenever a worker is lost, so good messages
#   would leave. The job itself sends what it cannot use to the topic of dead letters, with the reason.
# - retry_policy: Dataflow does not support its backoff.
# - enable_exactly_once_delivery: Dataflow removes redeliveries itself, and those of a replay by their message_key.
resource "google_pubsub_subscription" "telemetry" {
  name   = var.name
  topic  = google_pubsub_topic.telemetry.id
  labels = local.labels

  # One key at a time, in order, as the publisher sent it: what overtakes is what comes late. Cannot be changed later.
  enable_message_ordering = true

  # Acknowledged messages stay, so that a job that did wrong can be repeated: gcloud pubsub subscriptions seek.
  message_retention_duration = local.retention
  retain_acked_messages      = true

  # Dataflow extends the deadline itself; a minute spares it most of that.
  ack_deadline_seconds = 60

  # A month without a job must not cost the subscription: without this it is deleted after 31 days.
  expiration_policy {
    ttl = ""
  }
}

# Anomalies, for whoever subscribes. The topic keeps them, so that a later subscription can be rewound, too.
resource "google_pubsub_topic" "alerts" {
  name                       = "${var.name}-alerts"
  message_retention_duration = local.retention
  labels                     = local.labels

  depends_on = [google_project_service.enabled]
}

resource "google_pubsub_topic" "dead_letters" {
  name   = "${var.name}-dead-letters"
  labels = local.labels

  depends_on = [google_project_service.enabled]
}

# Dead letters wait here to be looked at. They are in the bucket and the dataset, too, and stay there.
resource "google_pubsub_subscription" "dead_letters" {
  name                       = "${var.name}-dead-letters"
  topic                      = google_pubsub_topic.dead_letters.id
  message_retention_duration = local.retention
  labels                     = local.labels

  expiration_policy {
    ttl = ""
  }
}
