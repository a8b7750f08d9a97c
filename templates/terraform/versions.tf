terraform {
  required_version = ">= 1.5"

  # The state stays on this machine, which is enough to try it. For a team, add a backend "gcs" in a bucket of its own:
  # the bucket that is made here goes away with everything else.

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    google-beta = { # only the job: Flex Templates are a resource of this provider alone
      source  = "hashicorp/google-beta"
      version = "~> 6.50"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

provider "google-beta" {
  project = var.project
  region  = var.region
}
