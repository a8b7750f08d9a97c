# The image of launcher and workers. Nothing is cleaned up by a rule: a running job pulls its image again for every new
# worker, however old it is.
resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "Image of the telemetry job's launcher and workers."
  labels        = local.labels

  depends_on = [google_project_service.enabled]
}
