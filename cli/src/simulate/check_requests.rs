//! Holding the large requests that are read against what has to be there.

use crate::simulate::check::Checked;
use crate::simulate::truth::Owner;
use crate::simulate::truth_request::ExpectedRequest;
use crate::simulate::view::ReadRequest;
use std::collections::BTreeMap;

/// Compares one user's.
pub fn compare_requests(checked: &mut Checked, owner: &Owner, expected: &[ExpectedRequest], read: &[ReadRequest]) {
    // Of a request that was announced and no more nothing has to be read, and something may.
    let told = read.iter().filter(|request| request.expected.is_some() || request.seen > 0);
    let told: Vec<&ReadRequest> = told.collect();
    checked.requests_expected = expected.len();
    checked.requests_read = told.len();
    if !read.is_sorted_by(|one, next| one.reference < next.reference) {
        checked.differs(owner, "request", "-", "not listed in order of reference, each once");
    }
    let mut unclaimed: BTreeMap<&str, &ReadRequest> =
        told.into_iter().map(|request| (request.reference.as_str(), request)).collect();
    for request in expected {
        let what = match unclaimed.remove(request.reference.as_str()) {
            Some(read) => difference(request, read),
            None => Some("missing".to_owned()),
        };
        if let Some(what) = what {
            checked.differs(owner, "request", &request.reference, what);
        }
    }
    for reference in unclaimed.into_keys() {
        checked.differs(owner, "request", reference, "should not be there: not of this user");
    }
}

fn difference(expected: &ExpectedRequest, read: &ReadRequest) -> Option<String> {
    let pairs = [
        ("expected", format!("{:?}", expected.expected), format!("{:?}", read.expected)),
        ("seen", expected.seen.to_string(), read.seen.to_string()),
        ("missing", format!("{:?}", expected.missing), format!("{:?}", read.missing)),
        ("complete", expected.complete.to_string(), read.complete.to_string()),
    ];
    let mut different = pairs.into_iter().filter(|(_, expected, read)| expected != read);
    different.next().map(|(name, expected, read)| format!("{name}: {expected} expected, {read} read"))
}
