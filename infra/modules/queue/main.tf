# A queue, and the one for its dead.

variable "name" {
  description = "What the queue is called."
  type        = string
}

variable "key_arn" {
  description = "What messages are encrypted with."
  type        = string
}

variable "visibility_timeout_s" {
  description = "How long a message that was handed out is hidden, in seconds."
  type        = number
}

locals {
  # As many as the local queue of `terrace serve` gives a job.
  tries  = 8
  days_s = 24 * 60 * 60
}

resource "aws_sqs_queue" "dead_letters" {
  name                              = "${var.name}-dead"
  message_retention_seconds         = 14 * local.days_s
  kms_master_key_id                 = var.key_arn
  kms_data_key_reuse_period_seconds = 3600
}

resource "aws_sqs_queue" "this" {
  name                              = var.name
  visibility_timeout_seconds        = var.visibility_timeout_s
  message_retention_seconds         = 14 * local.days_s
  kms_master_key_id                 = var.key_arn
  kms_data_key_reuse_period_seconds = 3600

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = local.tries
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this.arn]
  })
}

output "name" {
  description = "The queue's name."
  value       = aws_sqs_queue.this.name
}

output "arn" {
  description = "The queue's ARN."
  value       = aws_sqs_queue.this.arn
}

output "url" {
  description = "The queue's URL."
  value       = aws_sqs_queue.this.url
}

output "visibility_timeout_s" {
  description = "How long a message that was handed out is hidden, in seconds."
  value       = aws_sqs_queue.this.visibility_timeout_seconds
}

output "dead_letters_name" {
  description = "The name of the queue for its dead."
  value       = aws_sqs_queue.dead_letters.name
}

output "dead_letters_arn" {
  description = "The ARN of the queue for its dead."
  value       = aws_sqs_queue.dead_letters.arn
}

output "dead_letters_url" {
  description = "The URL of the queue for its dead."
  value       = aws_sqs_queue.dead_letters.url
}
