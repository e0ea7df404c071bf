variable "name" {
  description = "What the API is called."
  type        = string
}

variable "key_arn" {
  description = "What the access log is encrypted with."
  type        = string
}

variable "retention_days" {
  description = "How long the access log is kept, in days, as CloudWatch offers it."
  type        = number
}

variable "throttling" {
  description = "Requests a second, and how many at once."
  type        = object({ rate = number, burst = number })
}

variable "domain" {
  description = "A domain of one's own, or null."
  type        = object({ name = string, certificate_arn = string })
}

variable "webhook" {
  description = "The alias of the webhook."
  type        = object({ name = string, arn = string, invoke_arn = string, function_name = string })
}

variable "query" {
  description = "The alias of the query function."
  type        = object({ name = string, arn = string, invoke_arn = string, function_name = string })
}
