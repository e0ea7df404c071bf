# What would hurt if it were otherwise. Nothing is created: the provider is a mock.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

variables {
  environment = "test"
  region      = "eu-west-2"
  bundles     = "tests/bundles"
}

run "the_table_is_the_codes_and_is_not_lost" {
  command = plan

  assert {
    condition     = module.table.table.hash_key == "user_id" && module.table.table.range_key == "record" && module.table.table.billing_mode == "PAY_PER_REQUEST"
    error_message = "The keys are those of shared/store/src/schema.rs; provisioned capacity would throttle a burst."
  }

  assert {
    condition     = module.table.table.point_in_time_recovery[0].enabled && module.table.table.deletion_protection_enabled
    error_message = "A table of production that can be deleted, or not be restored, is a table that gets lost."
  }

  assert {
    condition     = one(module.table.table.ttl).attribute_name == "expires_at" && one(module.table.table.ttl).enabled
    error_message = "Without TTL the log grows for ever."
  }

  assert {
    condition     = toset([for index in module.table.table.global_secondary_index : index.name]) == toset(["by_start", "by_reference", "by_quarantine"])
    error_message = "Queries name these indexes."
  }

  assert {
    condition     = alltrue([for index in module.table.table.global_secondary_index : index.projection_type == "KEYS_ONLY"])
    error_message = "A wider projection is a second copy of health data, paid for with each write."
  }
}

run "a_development_environment_can_be_removed" {
  command = plan

  variables {
    production = false
  }

  assert {
    condition     = !module.table.table.deletion_protection_enabled
    error_message = "`make destroy ENV=dev` has to get through."
  }
}

run "only_the_webhook_and_health_are_open" {
  command = plan

  assert {
    condition     = { for key, route in module.http_api.routes : key => route.authorization_type } == { "ANY /webhook" = "NONE", "GET /health" = "NONE", "$default" = "AWS_IAM" }
    error_message = "Whatever else is asked reads or erases health data."
  }

  assert {
    condition     = !can(regex("path|sourceIp|userAgent|header|identity", module.http_api.access_log_format))
    error_message = "Paths name people: the access log has the route, never the path."
  }
}

run "no_secret_is_among_the_variables_of_a_function" {
  command = plan

  assert {
    condition     = alltrue(flatten([for function in local.functions : [for name in keys(function.environment) : !strcontains(name, "SIGNING_SECRET") && !strcontains(name, "API_KEY")]]))
    error_message = "Variables are read by everybody who may look at the function, and lie in the state."
  }
}

run "functions_may_do_what_they_do_and_no_more" {
  command = plan

  assert {
    condition     = !anytrue(flatten([for statement in local.functions.webhook.statements : [for action in statement.actions : can(regex("Delete|Scan|Query", action))]]))
    error_message = "Who can reach the webhook must not get to remove or list anything, whatever goes wrong in it."
  }

  assert {
    condition     = !anytrue(flatten([for statement in local.functions.query.statements : [for action in statement.actions : can(regex("Delete", action))]]))
    error_message = "Erasing is the worker's."
  }

  assert {
    condition     = alltrue([for name in ["query", "worker"] : !anytrue(flatten([for statement in local.functions[name].statements : [for action in statement.actions : strcontains(action, "ssm:")]]))])
    error_message = "Only the webhook knows the signing secrets."
  }
}

run "terra_is_asked_only_where_it_is_wanted" {
  command = plan

  assert {
    condition     = length(module.terra_api) == 0 && output.terra_api_parameter == null && !contains(keys(local.functions.query.environment), "TERRACE_TERRA_API_PARAMETER")
    error_message = "A key that nobody uses is one that can be lost."
  }
}

run "terras_key_is_read_by_the_query_function_alone" {
  command = plan

  variables {
    terra_api = true
  }

  override_resource {
    target          = module.terra_api[0].aws_ssm_parameter.this
    override_during = plan
    values          = { arn = "arn:aws:ssm:eu-west-2:123456789012:parameter/terrace-test/terra-api" }
  }

  override_resource {
    target          = module.secrets.aws_ssm_parameter.this
    override_during = plan
    values          = { arn = "arn:aws:ssm:eu-west-2:123456789012:parameter/terrace-test/signing-secrets" }
  }

  assert {
    condition     = local.functions.query.environment["TERRACE_TERRA_API_PARAMETER"] == "/terrace-test/terra-api" && output.terra_api_parameter == "/terrace-test/terra-api"
    error_message = "The function looks where `make terra-key` stores it."
  }

  assert {
    condition = {
      for name, function in local.functions : name => flatten([for statement in function.statements : statement.resources if contains(statement.actions, "ssm:GetParameter")])
      } == {
      webhook = ["arn:aws:ssm:eu-west-2:123456789012:parameter/terrace-test/signing-secrets"]
      query   = ["arn:aws:ssm:eu-west-2:123456789012:parameter/terrace-test/terra-api"]
      worker  = []
    }
    error_message = "Each secret has one reader."
  }

  assert {
    condition     = module.terra_api[0].starts_as == "{}" && module.secrets.starts_as == "[]"
    error_message = "What a parameter starts with means that there is nothing: no secret, no service; no key, no question."
  }
}

run "lines_are_kept_as_long_as_deliveries" {
  command = plan

  variables {
    log_days = 91
  }

  assert {
    condition     = local.retention_days == 120
    error_message = "CloudWatch offers certain numbers of days: the next one that is long enough."
  }
}

run "the_longest_log_has_a_retention" {
  command = plan

  variables {
    log_days = 3650
  }

  assert {
    condition     = local.retention_days == 3653
    error_message = "The longest that is allowed has to have one."
  }
}

run "messages_are_hidden_for_as_long_as_they_are_worked_on" {
  command = plan

  assert {
    condition     = module.jobs.visibility_timeout_s >= 6 * local.worker_timeout_s && module.pings.visibility_timeout_s >= local.worker_timeout_s
    error_message = "A message that is handed out again while it is worked on is worked on twice."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.pings.batch_size == 1
    error_message = "Two bodies of 256 MB do not fit into the worker's memory."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.jobs.batch_size == 1
    error_message = "Jobs behind a long one of their batch would lose their tries."
  }

  assert {
    condition     = module.pings.visibility_timeout_s <= 300
    error_message = "A ping's URL dies within ten minutes: what a killed sandbox had has to be handed out again before."
  }

  assert {
    condition     = aws_lambda_function_recursion_config.worker.recursive_loop == "Allow"
    error_message = "Lambda would take a job that hands on what is left for a loop, and drop it."
  }

  assert {
    condition     = alltrue([for mapping in [aws_lambda_event_source_mapping.jobs, aws_lambda_event_source_mapping.pings] : one(mapping.scaling_config).maximum_concurrency <= 50])
    error_message = "A flood of jobs would take the webhook's concurrency."
  }

  assert {
    condition     = length(one(aws_scheduler_schedule.daily_round.target).dead_letter_config) == 1
    error_message = "A daily round that is not queued would be missed by nobody."
  }

  assert {
    condition     = alltrue([for mapping in [aws_lambda_event_source_mapping.jobs, aws_lambda_event_source_mapping.pings] : contains(mapping.function_response_types, "ReportBatchItemFailures")])
    error_message = "Without it one bad message fails its whole batch."
  }
}

run "change_events_are_off_unless_asked_for" {
  command = plan

  assert {
    condition     = length(module.change_events) == 0 && !module.table.table.stream_enabled
    error_message = "A stream is a copy of health data for a day."
  }
}

run "change_events_say_nothing_of_health" {
  command = plan

  variables {
    change_events = true
  }

  override_resource {
    target          = module.table.aws_dynamodb_table.this
    override_during = plan
    values          = { stream_arn = "arn:aws:dynamodb:eu-west-2:123456789012:table/terrace-test/stream/1" }
  }

  assert {
    condition     = !strcontains(module.change_events[0].template, "body") && !strcontains(module.change_events[0].template, "summary") && strcontains(module.change_events[0].template, "version")
    error_message = "An event says what changed, not to what."
  }

  assert {
    condition     = alltrue([for key in module.change_events[0].keys : can(regex("^(connection|[a-z_]+#)$", try(key.prefix, key)))])
    error_message = "Pipes compare with whole values and prefixes, and know no anything-but with a prefix."
  }

  assert {
    condition     = !anytrue([for key in module.change_events[0].keys : contains(["log#", "request#", "job#"], try(key.prefix, key))])
    error_message = "The log holds health data."
  }
}

run "there_is_an_alarm_for_each_way_to_fail" {
  command = plan

  assert {
    condition = length(setsubtract([
      "unavailable", "signatures_mismatch", "signatures_out_of_time", "quarantine", "pings_lost", "jobs_failed", "too_large", "slow",
      "table_throttled", "refused_by_the_gateway", "webhook_errors", "worker_errors", "query_errors", "webhook_throttled", "jobs_dead", "pings_dead", "jobs_wait", "pings_wait",
    ], keys(module.observability.alarms))) == 0
    error_message = "What nobody is told of goes on until Terra gives up."
  }

  assert {
    condition     = alltrue([for alarm in module.observability.alarms : length(alarm.alarm_description) > 80])
    error_message = "An alarm at night says what to do."
  }

  assert {
    condition     = module.observability.alarms["unavailable"].period * module.observability.alarms["unavailable"].evaluation_periods <= 300
    error_message = "Terra disables a destination after about a day: the first page comes within minutes."
  }
}

run "the_dashboard_is_one_that_cloudwatch_takes" {
  command = plan

  # A metric is a list of texts, with settings at its end or none: PutDashboard refuses anything else.
  assert {
    condition = alltrue(flatten([for panel in module.observability.panels : [for metric in panel.metrics :
      can(metric[0]) && length(metric) >= 2 && alltrue([for part in slice(metric, 0, length(metric) - 1) : can(regex("^[A-Za-z0-9/_. -]+$", part))])
    ]]))
    error_message = "CloudWatch refuses the dashboard, and with it the first deployment."
  }

  assert {
    condition     = length(flatten([for panel in module.observability.panels : [for metric in panel.metrics : 1 if metric[0] == "Terrace/test"]])) >= 20
    error_message = "Environments in one account would be counted together."
  }
}

run "the_budget_counts_what_bears_the_tag" {
  command = plan

  variables {
    monthly_budget = 100
    alarm_email    = "on-call@example.com"
  }

  assert {
    condition     = one(module.observability.budget_tags) == "user:environment$test"
    error_message = "A budget of nothing never ends."
  }
}

run "a_domain_of_ones_own_is_the_only_way_in" {
  command = plan

  variables {
    domain = { name = "terra.example.com", certificate_arn = "arn:aws:acm:eu-west-2:123456789012:certificate/1" }
  }

  assert {
    condition     = output.webhook_url == "https://terra.example.com/webhook"
    error_message = "Terra has to be told of the domain."
  }
}

run "a_restored_table_may_have_another_name" {
  command = plan

  variables {
    table_name = "terrace-test-restored"
  }

  assert {
    condition     = module.table.table.name == "terrace-test-restored" && output.table == "terrace-test-restored"
    error_message = "A table that was restored cannot be called like the one that is there."
  }
}

# A wrong variable is named before anything is planned.

run "each_setting_has_its_bounds" {
  command = plan

  variables {
    region               = "London"
    bundles              = "../target/lambda/"
    log_days             = 0.5
    ping_hosts           = ["https://payloads.example.com/"]
    reserved_concurrency = { web = 10 }
    throttling           = { rate = 0, burst = 10 }
    alarm_email          = "on-call"
    silence_hours        = 25
    table_name           = "a/b"
    worker_concurrency   = { jobs = 1, pings = 50 }
  }

  expect_failures = [
    var.region, var.bundles, var.log_days, var.ping_hosts, var.reserved_concurrency, var.throttling, var.alarm_email,
    var.silence_hours, var.table_name, var.worker_concurrency,
  ]
}

run "parts_of_a_request_are_none" {
  command = plan

  variables {
    reserved_concurrency = { webhook = 1.5 }
    throttling           = { rate = 10, burst = 1.5 }
    ping_hosts           = []
  }

  expect_failures = [var.reserved_concurrency, var.throttling, var.ping_hosts]
}

run "a_budget_is_no_debt" {
  command = plan

  variables {
    monthly_budget = -1
    alarm_email    = "on-call@example.com"
  }

  expect_failures = [var.monthly_budget]
}

run "a_budget_that_nobody_is_told_of_is_refused" {
  command = plan

  variables {
    monthly_budget = 100
  }

  expect_failures = [var.monthly_budget]
}

run "a_domain_is_a_name_with_a_certificate_nearby" {
  command = plan

  variables {
    domain = { name = "https://terra.example.com", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1" }
  }

  expect_failures = [var.domain]
}

run "a_certificate_of_another_region_is_refused" {
  command = plan

  variables {
    domain = { name = "terra.example.com", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1" }
  }

  expect_failures = [var.domain]
}

run "what_is_null_is_what_it_is_by_default" {
  command = plan

  variables {
    log_days   = null
    production = null
  }

  assert {
    condition     = local.retention_days == 90 && module.table.table.deletion_protection_enabled
    error_message = "A setting that is emptied must not weaken anything."
  }
}

run "an_environment_has_a_name_that_fits_everywhere" {
  command = plan

  variables {
    environment = "Prod_1"
  }

  expect_failures = [var.environment]
}

run "a_retention_that_is_none_is_refused" {
  command = plan

  variables {
    retention = "forget"
  }

  expect_failures = [var.retention]
}

run "an_architecture_that_is_none_is_refused" {
  command = plan

  variables {
    architecture = "arm"
  }

  expect_failures = [var.architecture]
}
