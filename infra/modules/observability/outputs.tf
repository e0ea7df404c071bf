output "alarms_topic" {
  description = "Where alarms go."
  value       = aws_sns_topic.alarms.arn
}

output "dashboard" {
  description = "The dashboard's name."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "alarms" {
  description = "The alarms on one metric, by what they watch."
  value       = aws_cloudwatch_metric_alarm.simple
}
