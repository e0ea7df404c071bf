output "webhook_url" {
  description = "What the Terra dashboard is told."
  value       = "${module.http_api.url}/webhook"
}

output "api_url" {
  description = "Where records are read, signed with SigV4."
  value       = module.http_api.url
}

output "domain_target" {
  description = "What the DNS of your own domain points at; null without one."
  value       = module.http_api.domain_target
}

output "secrets_parameter" {
  description = "Where `make secret` puts the signing secrets."
  value       = module.secrets.name
}

output "terra_api_parameter" {
  description = "Where `make terra-key` puts the developer id and the API key; null where nobody asks Terra."
  value       = one(module.terra_api[*].name)
}

output "production" {
  description = "Whether it was applied as an environment of production, which `make destroy` refuses."
  value       = var.production
}

output "functions" {
  description = "The functions: name, newest version, alias."
  value = {
    for name, function in module.function : name => {
      name    = function.name
      version = function.version
      alias   = function.alias.name
    }
  }
}

output "roles" {
  description = "The functions' roles."
  value       = { for name, function in module.function : name => function.role_arn }
}

output "table" {
  description = "The table."
  value       = module.table.name
}

output "log_bucket" {
  description = "The bucket of the log."
  value       = module.log_bucket.name
}

output "queues" {
  description = "The queues and their dead-letter queues, by URL."
  value = {
    jobs  = { url = module.jobs.url, dead_letters = module.jobs.dead_letters_url }
    pings = { url = module.pings.url, dead_letters = module.pings.dead_letters_url }
  }
}

output "change_events_bus" {
  description = "The bus that changes are told on; null without change_events."
  value       = one(module.change_events[*].bus)
}

output "alarms_topic" {
  description = "Subscribe to it to be told of alarms."
  value       = module.observability.alarms_topic
}

output "dashboard" {
  description = "The dashboard in the console."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/${module.observability.dashboard}"
}
