variable "name" {
  description = "What the function is called."
  type        = string
}

variable "bundle" {
  description = "The zipped bootstrap, as `make build` leaves it."
  type        = string

  validation {
    condition     = fileexists(var.bundle)
    error_message = "There is no bundle at ${var.bundle}: run `make build` first."
  }
}

variable "architecture" {
  description = "arm64 or x86_64."
  type        = string
}

variable "memory_mb" {
  description = "Memory, in megabytes; the CPU goes with it."
  type        = number
}

variable "timeout_s" {
  description = "How long one invocation may take, in seconds."
  type        = number
}

variable "environment" {
  description = "Its variables. No secret is among them."
  type        = map(string)
}

variable "statements" {
  description = "What it may do: actions, on which resources; `prefixes` narrows the listing of a bucket."
  type        = map(object({ actions = list(string), resources = list(string), prefixes = optional(list(string)) }))

  validation {
    condition     = alltrue(flatten([for statement in var.statements : [for action in statement.actions : !strcontains(action, "*")]]))
    error_message = "statements: each action by its name; a wildcard allows what nobody looked at."
  }

  validation {
    condition     = alltrue(flatten([for statement in var.statements : [for resource in statement.resources : resource != "*"]]))
    error_message = "statements: each resource by its ARN."
  }
}

variable "key_arn" {
  description = "What its variables and lines are encrypted with."
  type        = string
}

variable "retention_days" {
  description = "How long its lines are kept, in days, as CloudWatch offers it."
  type        = number
}

variable "reserved_concurrency" {
  description = "How many may run at once; null takes from the account's."
  type        = number
}
