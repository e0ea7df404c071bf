// A plain receiver in Node, as a first version of one is written: Terra's SDK for the signature, AWS's for the table.
// It keeps less than Terrace does: the last copy to arrive wins, and nothing is retried later.
import http from "node:http";
import { gzipSync } from "node:zlib";
import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { verifyTerraWebhookSignature } from "terra-api";

const TABLE = process.env.TERRACE_TABLE;
const BUCKET = process.env.TERRACE_BUCKET;
const SECRET = process.env.TERRA_SIGNING_SECRET;
// DynamoDB takes items of up to 400 KB.
const ITEM_BYTES = 300 * 1024;

const dynamo = new DynamoDBClient({});
let bucket;

// S3's client is loaded when the first object is put: most sandboxes never need it.
async function putObject(key, body) {
  const s3 = await import("@aws-sdk/client-s3");
  bucket ??= new s3.S3Client({ forcePathStyle: true });
  await bucket.send(new s3.PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
}

const put = (item) => dynamo.send(new PutItemCommand({ TableName: TABLE, Item: item }));

async function receive(event) {
  const { body, headers } = event;
  try {
    await verifyTerraWebhookSignature(body, headers["x-terra-signature"], SECRET);
  } catch {
    return answer(401, { error: "invalid_signature" });
  }
  const delivery = JSON.parse(body);
  const user = delivery.user.user_id;
  const id = headers["x-terra-trace-id"];
  const packed = gzipSync(body);
  const raw = { user_id: { S: user }, record: { S: `log#${id}` }, type: { S: delivery.type } };
  if (packed.length <= ITEM_BYTES) {
    raw.body = { B: packed };
  } else {
    raw.object = { S: `log/${id}` };
    await putObject(raw.object.S, packed);
  }
  await put(raw);
  for (const record of delivery.data) {
    const start = record.metadata.start_time;
    const item = { user_id: { S: user }, record: { S: `${delivery.type}#${start.slice(0, 10)}` } };
    item.start_time = { S: start };
    const whole = gzipSync(JSON.stringify(record));
    if (whole.length <= ITEM_BYTES) item.body = { B: whole };
    else item.source = raw.object;
    await put(item);
  }
  await dynamo.send(
    new UpdateItemCommand({
      TableName: TABLE,
      Key: { user_id: { S: user }, record: { S: "connection" } },
      UpdateExpression: "SET provider = :p, #r = :r, last_delivery = :l",
      ExpressionAttributeNames: { "#r": "reference" },
      ExpressionAttributeValues: {
        ":p": { S: delivery.user.provider },
        ":r": { S: delivery.user.reference_id ?? "-" },
        ":l": { S: new Date().toISOString() },
      },
    }),
  );
  console.log(JSON.stringify({ level: "info", event: delivery.type, delivery: id, bytes: body.length }));
  return answer(200, { status: "stored", records: delivery.data.length });
}

const answer = (statusCode, body) => ({
  statusCode,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

// The loop that Lambda's own runtime for Node runs around a handler.
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const options = { host, port, agent, method, path: `/2018-06-01/runtime/invocation/${path}` };
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

for (;;) {
  const next = await call("GET", "next");
  const id = next.headers["lambda-runtime-aws-request-id"];
  try {
    await call("POST", `${id}/response`, JSON.stringify(await receive(JSON.parse(next.body))));
  } catch (error) {
    await call("POST", `${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
  }
}
