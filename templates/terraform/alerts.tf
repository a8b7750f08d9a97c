# All policies look at jobs whose name begins with var.name, so that an updated or second job needs no other policy.
locals {
  job_filter          = "resource.type = \"dataflow_job\" AND resource.labels.job_name = starts_with(\"${var.name}\")"
  subscription_filter = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.telemetry.name}\""

  # The job's counters (transforms/counters.py) by Dataflow's name for them: metric_name is the counter's name.
  user_counter = "dataflow_googleapis_com:job_user_counter"
  job_counters = "monitored_resource=\"dataflow_job\",job_name=~\"${var.name}.*\""
  dead_letters = "${local.user_counter}{${local.job_counters},metric_name=~\"dead_letters/.+\"}"
  all_lines    = "${local.user_counter}{${local.job_counters},metric_name=~\"rows_decoded|dead_letters/.+\"}"
}

resource "google_monitoring_alert_policy" "data_freshness" {
  display_name          = "${var.name}: results are old"
  combiner              = "OR"
  enabled               = var.alert_thresholds.data_freshness_s > 0
  severity              = "WARNING"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "data freshness above ${var.alert_thresholds.data_freshness_s} s"

    condition_threshold {
      filter          = "${local.job_filter} AND metric.type = \"dataflow.googleapis.com/job/data_watermark_age\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.alert_thresholds.data_freshness_s
      duration        = "300s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The watermark is behind the clock: windows end late. Compare system lag and backlog; if both are small, a publisher sends old times. A replay of recorded telemetry with its own times is always old: rebase it, or set data_freshness_s = 0."
  }

  depends_on = [google_project_service.enabled]
}

resource "google_monitoring_alert_policy" "system_lag" {
  display_name          = "${var.name}: the job does not keep up"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "system lag above ${var.alert_thresholds.system_lag_s} s"

    condition_threshold {
      filter          = "${local.job_filter} AND metric.type = \"dataflow.googleapis.com/job/system_lag\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.alert_thresholds.system_lag_s
      duration        = "300s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Something has waited in a step for that long. Look for a step that fails again and again (worker logs), an output that does not answer, or max_workers reached."
  }

  depends_on = [google_project_service.enabled]
}

# Also what tells that no job runs at all: then only the subscription has metrics.
resource "google_monitoring_alert_policy" "backlog" {
  display_name          = "${var.name}: messages wait in the subscription"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "oldest message waits for more than ${var.alert_thresholds.oldest_message_s} s"

    condition_threshold {
      filter          = "${local.subscription_filter} AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.alert_thresholds.oldest_message_s
      duration        = "300s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  conditions {
    display_name = "more than ${var.alert_thresholds.undelivered_messages} messages wait"

    condition_threshold {
      filter          = "${local.subscription_filter} AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.alert_thresholds.undelivered_messages
      duration        = "600s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "No job runs, or it takes less than is published. Messages are lost when they are ${var.retention_days} days old."
  }

  depends_on = [google_project_service.enabled]
}

# A share, not a number, so that it fits any volume. The counters only grow; what they grew by is the difference between
# the largest and the smallest value of ten minutes, whichever kind of metric Monitoring takes them for.
resource "google_monitoring_alert_policy" "dead_letters" {
  display_name          = "${var.name}: many dead letters"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "more than ${format("%.4g", var.alert_thresholds.dead_letter_share * 100)} % of the lines become dead letters"

    condition_prometheus_query_language {
      query                     = <<-EOT
        sum(max_over_time(${local.dead_letters}[10m]) - min_over_time(${local.dead_letters}[10m]))
          / clamp_min(sum(max_over_time(${local.all_lines}[10m]) - min_over_time(${local.all_lines}[10m])), 1)
          > ${var.alert_thresholds.dead_letter_share}
      EOT
      duration                  = "300s"
      evaluation_interval       = "60s"
      disable_metric_validation = true # before the first job there is no such counter
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Group the counters dead_letters/… by metric_name for the reasons. Each letter is kept whole in ${local.results_url}/dead_letters, in the table dead_letters and in the subscription ${google_pubsub_subscription.dead_letters.name}. When the cause is gone: python -m publisher reprocess."
  }

  depends_on = [google_project_service.enabled]
}

resource "google_monitoring_alert_policy" "job_failed" {
  display_name          = "${var.name}: the job has failed"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "a job has failed"

    condition_threshold {
      filter          = "${local.job_filter} AND metric.type = \"dataflow.googleapis.com/job/is_failed\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  # A failed job stays failed: without this the incident would be open for a week.
  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Read the job's messages of severity error, then launch it again: the subscription has kept what was not acknowledged, for ${var.retention_days} days."
  }

  depends_on = [google_project_service.enabled]
}
