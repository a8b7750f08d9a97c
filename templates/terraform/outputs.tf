# The two commands that come next, to be run in the folder of the repository.

output "build_command" {
  description = "Builds the image and stores the template."
  value = join(" ", [
    "python -m templates build",
    "--project=${var.project}",
    "--region=${var.region}",
    "--image=${local.image_url}",
    "--spec=${local.spec_url}",
  ])
}

output "run_command" {
  description = "Launches the template, where Terraform does not."
  value = join(" ", concat(
    [
      "python -m templates run",
      "--project=${var.project}",
      "--region=${var.region}",
      "--job-name=${var.name}",
      "--spec=${local.spec_url}",
      "--image=${local.image_url}",
      "--service-account=${google_service_account.worker.email}",
      "--staging-location=${local.staging_url}",
      "--temp-location=${local.temp_url}",
      "--worker-machine-type=${var.machine_type}",
      "--max-workers=${var.max_workers}",
    ],
    var.subnetwork == null ? [] : ["--subnetwork=${var.subnetwork}"],
    var.public_ips ? [] : ["--disable-public-ips"],
    ["--parameters"],
    [for name, value in local.parameters : "'${name}=${value}'"],
  ))
}

output "parameters" {
  description = "The job's parameters: flags, with _ in the place of -."
  value       = local.parameters
}

# What a publisher, or a reader of dead letters, is given.

output "topic" {
  description = "Where telemetry is published: --topic of python -m publisher replay."
  value       = google_pubsub_topic.telemetry.id
}

output "dead_letter_subscription" {
  description = "Where dead letters wait to be looked at."
  value       = google_pubsub_subscription.dead_letters.id
}
