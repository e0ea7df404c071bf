//! Every path, as the document has it. The functions are never called: what stands above them is the document.
#![expect(dead_code, reason = "what is read of them is what stands above them")]

use super::shapes::{Acknowledged, ErrorAnswer, JobAnswer, Large, RecordAnswer, Refused, Replay};
use super::takes::{
    BetweenDays, Known, Missed, OfDelivery, OfJob, OfRecord, OfRecords, OfReference, OfUser, Paging, Signed,
};
use crate::connections::{ConnectionAnswer, ReferenceAnswer, UsersAnswer};
use crate::deliveries::DeliveriesAnswer;
use crate::query::Health;
use crate::records::RecordsAnswer;
use crate::requests::RequestsAnswer;

/// Take a delivery in
///
/// A 200 is a promise: the delivery is durable, and applied or queued.
#[utoipa::path(post, path = "/webhook", tag = "receiving", params(Signed),
    request_body(content = Vec<u8>, content_type = "application/json", description = "Whatever was signed"),
    responses(
        (status = 200, body = Acknowledged, description = "Acknowledged"),
        (status = 401, body = ErrorAnswer, description = "Not signed, or not by Terra"),
        (status = 413, body = ErrorAnswer, description = "Too large; have Terra use ping mode"),
        (status = 503, body = ErrorAnswer, description = "Not durable; send it again"),
    ))]
fn webhook() {}

/// Whether it runs
#[utoipa::path(get, path = "/health", tag = "self", responses((status = 200, body = Health, description = "It does")))]
fn health() {}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "self",
    responses((status = 200, body = Object, description = "OpenAPI 3.1"), Refused))]
fn openapi() {}

/// Every connection
#[utoipa::path(get, path = "/users", tag = "reading", params(Paging),
    responses((status = 200, body = UsersAnswer, description = "A page of them, in no order"), Refused, Large))]
fn users() {}

/// A connection
#[utoipa::path(get, path = "/users/{user_id}", tag = "reading", params(OfUser),
    responses((status = 200, body = ConnectionAnswer, description = "The connection"), Refused))]
fn user() {}

/// Erase a user
#[utoipa::path(delete, path = "/users/{user_id}", tag = "orders", params(OfUser),
    responses((status = 202, body = JobAnswer, description = "Nothing of theirs is read from now on"), Refused))]
fn erase_user() {}

/// A user's records
#[utoipa::path(get, path = "/users/{user_id}/records", tag = "reading", params(OfUser, OfRecords, Paging, Known),
    responses(
        (status = 200, body = RecordsAnswer, description = "A page of them, by type and date"),
        (status = 304, description = "A list by `id` is as `If-None-Match` says"),
        Refused, Large,
    ))]
fn user_records() {}

/// One record
#[utoipa::path(get, path = "/users/{user_id}/records/{type}/{id}", tag = "reading", params(OfUser, OfRecord, Known),
    responses(
        (status = 200, body = RecordAnswer, description = "The record, with `data`",
            headers(("ETag" = String, description = "Of the record as it is"))),
        (status = 304, description = "It is as `If-None-Match` says"),
        Refused, Large,
    ))]
fn user_record() {}

/// A user's large requests
#[utoipa::path(get, path = "/users/{user_id}/requests", tag = "reading", params(OfUser),
    responses((status = 200, body = RequestsAnswer, description = "All of them"), Refused))]
fn user_requests() {}

/// Why a user's data may be missing
#[utoipa::path(get, path = "/users/{user_id}/diagnosis", tag = "reading", params(OfUser, Missed),
    responses((status = 200, body = Object, description = "What is known, and findings, most likely first"), Refused))]
fn user_diagnosis() {}

/// A user's deliveries
#[utoipa::path(get, path = "/users/{user_id}/deliveries", tag = "reading", params(OfUser, BetweenDays, Paging),
    responses((status = 200, body = DeliveriesAnswer, description = "A page of them, oldest first"), Refused, Large))]
fn user_deliveries() {}

/// The body of a delivery
#[utoipa::path(get, path = "/users/{user_id}/deliveries/{delivery}", tag = "reading", params(OfUser, OfDelivery),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream", description = "Byte for byte"),
        Refused, Large,
    ))]
fn user_delivery() {}

/// An end user's connections
#[utoipa::path(get, path = "/references/{reference_id}", tag = "reading", params(OfReference, Paging),
    responses((status = 200, body = ReferenceAnswer, description = "A page of them"), Refused, Large))]
fn reference() {}

/// Erase an end user
#[utoipa::path(delete, path = "/references/{reference_id}", tag = "orders", params(OfReference),
    responses((status = 202, body = JobAnswer, description = "It will be done"), Refused))]
fn erase_reference() {}

/// Why an end user's data may be missing
#[utoipa::path(get, path = "/references/{reference_id}/diagnosis", tag = "reading", params(OfReference, Missed),
    responses((status = 200, body = Object, description = "A diagnosis of each connection"), Refused))]
fn reference_diagnosis() {}

/// Records that name an end user and no connection
#[utoipa::path(get, path = "/references/{reference_id}/records", tag = "reading",
    params(OfReference, OfRecords, Paging, Known),
    responses(
        (status = 200, body = RecordsAnswer, description = "A page of them, by type and date"),
        (status = 304, description = "A list by `id` is as `If-None-Match` says"),
        Refused, Large,
    ))]
fn reference_records() {}

/// One of them
#[utoipa::path(get, path = "/references/{reference_id}/records/{type}/{id}", tag = "reading",
    params(OfReference, OfRecord, Known),
    responses(
        (status = 200, body = RecordAnswer, description = "The record, with `data`",
            headers(("ETag" = String, description = "Of the record as it is"))),
        (status = 304, description = "It is as `If-None-Match` says"),
        Refused, Large,
    ))]
fn reference_record() {}

/// Apply deliveries again
#[utoipa::path(post, path = "/replays", tag = "orders",
    request_body(content = Replay, description = "Without a body: the whole quarantine"),
    responses((status = 202, body = JobAnswer, description = "It will be done"), Refused))]
fn replay() {}

/// How far a job is
#[utoipa::path(get, path = "/jobs/{job}", tag = "orders", params(OfJob),
    responses((status = 200, body = JobAnswer, description = "So far"), Refused))]
fn job() {}
