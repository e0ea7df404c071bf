variable "environment" {
  description = "What this environment is called; part of every name, so that several fit into one account."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.environment))
    error_message = "environment: 1 to 20 lower-case letters, digits and hyphens, a letter first, such as dev or prod."
  }
}

variable "production" {
  description = "Whether the data must not be lost: the table cannot be deleted, the bucket not be emptied, `make destroy` refuses."
  type        = bool
  default     = true
  nullable    = false
}

variable "region" {
  description = "The AWS region that everything lies in; health data stays there."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: a region of AWS, such as eu-west-2."
  }
}

variable "architecture" {
  description = "What the functions run on: arm64, which costs a fifth less, or x86_64. The bundles have to be built for it."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: arm64 or x86_64."
  }
}

variable "bundles" {
  description = "The folder that `make build` leaves the bundles in, one folder a function."
  type        = string
  default     = "../target/lambda"
  nullable    = false

  validation {
    condition     = var.bundles != "" && !endswith(var.bundles, "/")
    error_message = "bundles: a folder, seen from infra/, without a slash at its end, such as ../target/lambda."
  }
}

variable "retention" {
  description = "What `deauth` and `access_revoked` do to a user's data: keep or erase."
  type        = string
  default     = "keep"
  nullable    = false

  validation {
    condition     = contains(["keep", "erase"], var.retention)
    error_message = "retention: keep or erase."
  }
}

variable "log_days" {
  description = "How long deliveries stay in the log, in days; also how long the functions' own lines are kept, rounded up to what CloudWatch offers."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.log_days >= 1 && var.log_days <= 3650 && floor(var.log_days) == var.log_days
    error_message = "log_days: a whole number from 1 to 3650."
  }
}

variable "ping_hosts" {
  description = "Hosts that pings may lead to; `defaults` stands for those of Amazon S3 and Google Cloud Storage."
  type        = list(string)
  default     = ["defaults"]
  nullable    = false

  validation {
    condition     = length(var.ping_hosts) > 0 && alltrue([for host in var.ping_hosts : can(regex("^(defaults|(\\*\\.)?[a-z0-9-]+(\\.[a-z0-9-]+)+)$", host))])
    error_message = "ping_hosts: `defaults` or names of hosts, such as payloads.example.com or *.example.com."
  }
}

variable "reserved_concurrency" {
  description = "How many of each function may run at once: function to number. One that is left out takes from the account's, of which AWS wants 100 left over."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name, number in var.reserved_concurrency : contains(["webhook", "worker", "query"], name) && number >= 1 && floor(number) == number])
    error_message = "reserved_concurrency: webhook, worker or query, each with a whole number from 1."
  }
}

variable "throttling" {
  description = "Requests a second that the gateway lets through, and how many at once. The account's own limits are the default: a 429 costs a delivery a retry."
  type        = object({ rate = number, burst = number })
  default     = { rate = 10000, burst = 5000 }
  nullable    = false

  validation {
    condition     = try(var.throttling.rate >= 1 && var.throttling.burst >= 1 && floor(var.throttling.burst) == var.throttling.burst, false)
    error_message = "throttling: rate, requests a second, and burst, a whole number, both from 1."
  }
}

variable "domain" {
  description = "A domain of your own: its name, and the ARN of its certificate in the same region. Point its DNS at the output `domain_target`."
  type        = object({ name = string, certificate_arn = string })
  default     = null

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain.name))
    error_message = "domain: name is a host's name without https:// and without a path, such as terra.example.com."
  }

  validation {
    condition     = var.domain == null || can(regex("^arn:[a-z-]+:acm:${var.region}:", var.domain.certificate_arn))
    error_message = "domain: certificate_arn is the ARN of an ACM certificate in the region of everything else, ${var.region}."
  }
}

variable "table_name" {
  description = "What the table is called; null for the environment's name. A table restored from a backup has another: docs/OPERATIONS.md."
  type        = string
  default     = null

  validation {
    condition     = var.table_name == null || can(regex("^[A-Za-z0-9_.-]{3,255}$", var.table_name))
    error_message = "table_name: three to 255 letters, digits and any of _ . -, as DynamoDB takes them, or null."
  }
}

variable "worker_concurrency" {
  description = "How many jobs, and how many pings, are worked on at once at most. Without a limit a flood of them would take the concurrency of the account, and the webhook's with it."
  type        = object({ jobs = number, pings = number })
  default     = { jobs = 10, pings = 50 }
  nullable    = false

  validation {
    condition     = try(alltrue([for number in values(var.worker_concurrency) : number >= 2 && number <= 1000 && floor(number) == number]), false)
    error_message = "worker_concurrency: jobs and pings, each a whole number from 2 to 1000, which are SQS's limits."
  }
}

variable "change_events" {
  description = "Whether changes of records and connections are told to other systems, as events without health data on a bus of EventBridge."
  type        = bool
  default     = false
  nullable    = false
}

variable "terra_api" {
  description = "Whether a diagnosis asks Terra's API too, with the developer id and the key that `make terra-key` stores."
  type        = bool
  default     = false
  nullable    = false
}

variable "alarm_email" {
  description = "Who is told of alarms, besides whoever subscribes to the topic in the output `alarms_topic`. AWS asks them to confirm."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@ ]+@[^@ ]+$", var.alarm_email))
    error_message = "alarm_email: an address, or null."
  }
}

variable "silence_hours" {
  description = "After how many hours without a delivery an alarm goes off; 0 never."
  type        = number
  default     = 6
  nullable    = false

  validation {
    condition     = var.silence_hours >= 0 && var.silence_hours <= 24 && floor(var.silence_hours) == var.silence_hours
    error_message = "silence_hours: a whole number from 0 to 24."
  }
}

variable "monthly_budget" {
  description = "Dollars a month for what bears the tag `environment` of this one, above which an alarm is sent to alarm_email; 0 for none. The tag has to be activated as a cost allocation tag in the account that is billed."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.monthly_budget >= 0
    error_message = "monthly_budget: dollars, from 0 (none)."
  }

  validation {
    condition     = var.monthly_budget == 0 || var.alarm_email != null
    error_message = "monthly_budget: say alarm_email too, or nobody is told."
  }
}
