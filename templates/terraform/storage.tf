resource "google_storage_bucket" "data" {
  name          = "${var.project}-${var.name}" # names of buckets are unique in the world, project ids are, too
  location      = var.region
  force_destroy = var.allow_destroy_data
  labels        = local.labels

  # Access by IAM alone, and never for the public, whatever somebody grants later.
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # No versions: a result's name ends with a hash of its content, so an object is written again only with the same
  # bytes. What is deleted by mistake can be restored for a week.
  versioning {
    enabled = false
  }
  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  # The archive is most of the volume, and what it says is in the aggregates, too.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = var.readings_days
      matches_prefix = ["${local.folders.results}/readings/"]
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 14
      matches_prefix = ["${local.folders.temp}/"]
    }
  }

  # A worker that joins a running job fetches what was staged when it was launched: these files live long.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = var.staging_days
      matches_prefix = ["${local.folders.staging}/"]
    }
  }

  # What a killed worker leaves of an upload is never seen, but is paid for.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  depends_on = [google_project_service.enabled]
}
