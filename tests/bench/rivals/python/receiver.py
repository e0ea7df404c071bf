"""A plain receiver in Python, as a first version of one is written: Terra's SDK for the signature, AWS's for the table.

It keeps less than Terrace does: the last copy to arrive wins, and nothing is retried later.
"""

import gzip
import http.client
import json
import os
from datetime import datetime, timezone

import boto3
from botocore.config import Config
from terra.utils.verify_signature import WebhookVerificationError, verify_terra_webhook_signature

TABLE = os.environ["TERRACE_TABLE"]
BUCKET = os.environ["TERRACE_BUCKET"]
SECRET = os.environ["TERRA_SIGNING_SECRET"]
# DynamoDB takes items of up to 400 KB.
ITEM_BYTES = 300 * 1024

dynamo = boto3.client("dynamodb")
bucket = None


def put_object(key, body):
    # S3's client is made when the first object is put: most sandboxes never need it.
    global bucket
    if bucket is None:
        bucket = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
    bucket.put_object(Bucket=BUCKET, Key=key, Body=body)


def receive(event):
    body, headers = event["body"], event["headers"]
    try:
        verify_terra_webhook_signature(body, headers["x-terra-signature"], SECRET)
    except WebhookVerificationError:
        return answer(401, {"error": "invalid_signature"})
    delivery = json.loads(body)
    user, delivery_id = delivery["user"]["user_id"], headers["x-terra-trace-id"]
    packed = gzip.compress(body.encode(), 6)
    raw = {"user_id": {"S": user}, "record": {"S": f"log#{delivery_id}"}, "type": {"S": delivery["type"]}}
    if len(packed) <= ITEM_BYTES:
        raw["body"] = {"B": packed}
    else:
        raw["object"] = {"S": f"log/{delivery_id}"}
        put_object(raw["object"]["S"], packed)
    dynamo.put_item(TableName=TABLE, Item=raw)
    for record in delivery["data"]:
        start = record["metadata"]["start_time"]
        item = {"user_id": {"S": user}, "record": {"S": f"{delivery['type']}#{start[:10]}"}, "start_time": {"S": start}}
        whole = gzip.compress(json.dumps(record, separators=(",", ":")).encode(), 6)
        if len(whole) <= ITEM_BYTES:
            item["body"] = {"B": whole}
        else:
            item["source"] = raw["object"]
        dynamo.put_item(TableName=TABLE, Item=item)
    dynamo.update_item(
        TableName=TABLE,
        Key={"user_id": {"S": user}, "record": {"S": "connection"}},
        UpdateExpression="SET provider = :p, #r = :r, last_delivery = :l",
        ExpressionAttributeNames={"#r": "reference"},
        ExpressionAttributeValues={
            ":p": {"S": delivery["user"]["provider"]},
            ":r": {"S": delivery["user"].get("reference_id") or "-"},
            ":l": {"S": datetime.now(timezone.utc).isoformat()},
        },
    )
    print(json.dumps({"level": "info", "event": delivery["type"], "delivery": delivery_id, "bytes": len(body)}), flush=True)
    return answer(200, {"status": "stored", "records": len(delivery["data"])})


def answer(status, body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


def main():
    """The loop that Lambda's own runtime for Python runs around a handler."""
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def call(method, path, body=None):
        api.request(method, f"/2018-06-01/runtime/invocation/{path}", body)
        response = api.getresponse()
        return response.headers, response.read()

    while True:
        headers, event = call("GET", "next")
        request = headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            call("POST", f"{request}/response", json.dumps(receive(json.loads(event))))
        except Exception as error:
            call("POST", f"{request}/error", json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}))


main()
