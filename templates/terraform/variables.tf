variable "project" {
  description = "Id of the project that everything is made in; it must exist and have billing."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "The project must be a project id: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of the job and of all data at rest, so that nothing is sent between regions."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "The region must read like europe-west1; a zone or a multi-region is none."
  }
}

variable "name" {
  description = "Name of the job, and first part of all other names; in one project, none may be the beginning of another."
  type        = string
  default     = "telemetry"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "The name must be 3 to 20 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "labels" {
  description = "Labels of everything that can have some, beside system = name and managed_by = terraform."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for key, value in var.labels :
      can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))
    ])
    error_message = "Labels are lower-case letters, digits, hyphens and underscores; a key begins with a letter."
  }
}

variable "publishers" {
  description = "Members that may publish telemetry, such as serviceAccount:gateway@PROJECT.iam.gserviceaccount.com."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.publishers : can(regex("^(user|group|serviceAccount):[^ ]+@[^ ]+$", member))])
    error_message = "Each must read user:…@…, group:…@… or serviceAccount:…@…; the public is not let in."
  }
}

variable "launchers" {
  description = "Members that may start the job as its service account; who owns the project may already."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.launchers : can(regex("^(user|group|serviceAccount):[^ ]+@[^ ]+$", member))])
    error_message = "Each must read user:…@…, group:…@… or serviceAccount:…@…."
  }
}

variable "retention_days" {
  description = "Days for which messages are kept, acknowledged ones too: how far a subscription can be rewound."
  type        = number
  default     = 7

  validation {
    condition     = contains([1, 2, 3, 4, 5, 6, 7], var.retention_days)
    error_message = "A subscription keeps messages for 1 to 7 days."
  }
}

variable "readings_days" {
  description = "Days after which the files of the archive (--archive) are deleted; results stay."
  type        = number
  default     = 90

  validation {
    condition     = var.readings_days >= 1 && floor(var.readings_days) == var.readings_days
    error_message = "Must be a whole number of days, at least 1."
  }
}

variable "staging_days" {
  description = "Days after which staged files are deleted; must be more than a job runs without an update."
  type        = number
  default     = 365

  validation {
    condition     = var.staging_days >= 30 && floor(var.staging_days) == var.staging_days
    error_message = "Must be a whole number of days, at least 30: new workers of a running job fetch staged files."
  }
}

variable "allow_destroy_data" {
  description = "Whether terraform destroy also deletes objects of the bucket and tables of the dataset."
  type        = bool
  default     = false
}

variable "watermark_subscription" {
  description = "Whether the workers may create, read and delete subscriptions, for Dataflow's estimate of the watermark."
  type        = bool
  default     = true
}

variable "notification_channels" {
  description = "Where alerts go: projects/PROJECT/notificationChannels/ID; without one they are only shown in the console."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))
    ])
    error_message = "Each must read projects/PROJECT/notificationChannels/ID."
  }
}

variable "alert_thresholds" {
  description = "When alerts fire: ages in seconds, messages, and the share of lines that become dead letters. data_freshness_s = 0 switches that one off."
  type = object({
    data_freshness_s     = optional(number, 900)
    system_lag_s         = optional(number, 300)
    oldest_message_s     = optional(number, 600)
    undelivered_messages = optional(number, 100000)
    dead_letter_share    = optional(number, 0.01)
  })
  default = {}

  validation {
    condition = (
      var.alert_thresholds.data_freshness_s >= 0 && var.alert_thresholds.system_lag_s > 0 &&
      var.alert_thresholds.oldest_message_s > 0 && var.alert_thresholds.undelivered_messages > 0 &&
      var.alert_thresholds.dead_letter_share >= 0 && var.alert_thresholds.dead_letter_share < 1
    )
    error_message = "Thresholds must be positive, and dead_letter_share a share below 1."
  }
}

variable "launch" {
  description = "Whether Terraform also runs the job, which costs money for as long as it runs; needs python -m templates build."
  type        = bool
  default     = false
}

variable "image_tag" {
  description = "Tag of the image: another one for every build, so that a running job keeps its own."
  type        = string
  default     = "0.1.0"

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag)) && var.image_tag != "latest"
    error_message = "The tag must be one that stays, such as 0.1.0: not latest, and not a whole image name."
  }
}

variable "job_parameters" {
  description = "Parameters of the job beside its inputs and outputs, such as { window = \"30s\", archive = \"true\" }."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for key, value in var.job_parameters : can(regex("^[a-z][a-z_]*$", key)) && can(regex("^[^'\\n]+$", value))
    ])
    error_message = "Names are those of the flags, with _ in the place of -; values are not empty and without quotes."
  }
}

variable "machine_type" {
  description = "Machine type of the workers."
  type        = string
  default     = "n2-standard-2"
}

variable "max_workers" {
  description = "Most workers at a time: the bound of what the job can cost."
  type        = number
  default     = 4

  validation {
    condition     = var.max_workers >= 1 && floor(var.max_workers) == var.max_workers
    error_message = "Must be a whole number, at least 1."
  }
}

variable "subnetwork" {
  description = "Subnetwork of the workers, regions/REGION/subnetworks/NAME; without it, the default network's."
  type        = string
  default     = null
}

variable "public_ips" {
  description = "Whether workers have public addresses; false needs a subnetwork with Private Google Access."
  type        = bool
  default     = true
}
