# A function's own module.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

variables {
  name                 = "terrace-test-webhook"
  bundle               = "tests/bundles/webhook/bootstrap.zip"
  architecture         = "arm64"
  memory_mb            = 512
  timeout_s            = 8
  environment          = {}
  statements           = { table = { actions = ["dynamodb:PutItem"], resources = ["arn:aws:dynamodb:eu-west-2:123456789012:table/t"] } }
  key_arn              = "arn:aws:kms:eu-west-2:123456789012:key/1"
  retention_days       = 120
  reserved_concurrency = null
}

run "its_lines_end_and_are_its_own" {
  command = plan

  module {
    source = "./modules/function"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 120 && aws_cloudwatch_log_group.this.name == "/terrace/terrace-test/webhook"
    error_message = "A group without an end is kept for ever; one that the key's policy does not name cannot be written."
  }

  assert {
    condition     = aws_lambda_function.this.publish
    error_message = "Without versions there is nothing to roll back to."
  }
}

run "a_wildcard_is_refused" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    statements = { all = { actions = ["dynamodb:*"], resources = ["arn:aws:dynamodb:eu-west-2:123456789012:table/t"] } }
  }

  expect_failures = [var.statements]
}

run "every_resource_is_refused" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    statements = { all = { actions = ["dynamodb:PutItem"], resources = ["*"] } }
  }

  expect_failures = [var.statements]
}

run "without_a_bundle_it_says_how_to_make_one" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    bundle = "tests/bundles/nothing.zip"
  }

  expect_failures = [var.bundle]
}
