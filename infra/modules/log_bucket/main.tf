# The larger tier of the log, the ledger of erases, and answers that are too large for Lambda.

variable "name" {
  description = "What the bucket is called; unique in the world."
  type        = string
}

variable "key_arn" {
  description = "What it is encrypted with."
  type        = string
}

variable "force_destroy" {
  description = "Whether it may be destroyed with what lies in it."
  type        = bool
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_21:an erase has to be final, and an object lies under a name made of its content, so that it never has another version
  #checkov:skip=CKV_AWS_18:an access log would hold a pseudonym of a user for each read, and nobody but the functions reads
  #checkov:skip=CKV_AWS_144:health data stays in its region
  #checkov:skip=CKV2_AWS_62:nothing waits for new objects
  bucket        = var.name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    # Without it S3 would ask the key for each object.
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "log-to-a-cheaper-tier"
    status = "Enabled"

    filter {
      prefix = "log/"
    }

    # Read at once when it is needed. It must not expire by age: records lie in it, and the daily round removes what
    # nothing leads to.
    transition {
      days          = 30
      storage_class = "GLACIER_IR"
    }
  }

  rule {
    id     = "answers-are-for-a-minute"
    status = "Enabled"

    filter {
      prefix = "answers/"
    }

    expiration {
      days = 1
    }
  }

  rule {
    id     = "no-halves"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_iam_policy_document" "tls_only" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket     = aws_s3_bucket.this.id
  policy     = data.aws_iam_policy_document.tls_only.json
  depends_on = [aws_s3_bucket_public_access_block.this]
}

output "name" {
  description = "The bucket's name."
  value       = aws_s3_bucket.this.id
}

output "arn" {
  description = "The bucket's ARN."
  value       = aws_s3_bucket.this.arn
}
