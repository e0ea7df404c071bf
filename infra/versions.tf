terraform {
  # 1.11 brought write-only arguments, which keep the secrets out of the state.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  # Which bucket, key and region: environments/<name>.s3.tfbackend.
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      application = "terrace"
      environment = var.environment
    }
  }
}
