variable "name" {
  description = "What the dashboard, the topic and the alarms are called."
  type        = string
}

variable "environment" {
  description = "The tag that the budget counts by."
  type        = string
}

variable "region" {
  description = "The region of the metrics."
  type        = string
}

variable "key_arn" {
  description = "What the topic is encrypted with."
  type        = string
}

variable "api_id" {
  description = "The HTTP API."
  type        = string
}

variable "table" {
  description = "The table's name."
  type        = string
}

variable "functions" {
  description = "The functions' names, by what they do."
  type        = map(string)
}

variable "queues" {
  description = "The queues' names, by what they hold."
  type        = map(string)
}

variable "dead_letters" {
  description = "The names of the queues for their dead."
  type        = map(string)
}

variable "oldest_message_s" {
  description = "How old the oldest message of a queue may be, in seconds."
  type        = map(number)
}

variable "alarm_email" {
  description = "Who is told, or null."
  type        = string
}

variable "silence_hours" {
  description = "After how many hours without a delivery an alarm goes off; 0 never."
  type        = number
}

variable "monthly_budget" {
  description = "Dollars a month; 0 for none."
  type        = number
}

variable "access_log" {
  description = "The group that the gateway's access log goes to."
  type        = string
}

variable "namespace" {
  description = "The namespace of the code's own metrics."
  type        = string
}
