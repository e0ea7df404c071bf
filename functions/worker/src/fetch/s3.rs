//! The names of Amazon S3, and nothing else under Amazon's domain: load balancers, gateways, instances and functions of
//! anybody are there as well.
//!
//! Sources: <https://docs.aws.amazon.com/general/latest/gr/s3.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration-getting-started.html>.

/// Whether a host, in lower case and without a dot at its end, serves objects for S3's ordinary API: by path
/// (`s3.eu-west-2.amazonaws.com`) or for one bucket (`bucket.s3.eu-west-2.amazonaws.com`).
///
/// Not among them, though S3's: website hosts, which have no https; the control plane; access points, Outposts and
/// directory buckets, in which Terra keeps nothing.
pub(super) fn is_s3(host: &str) -> bool {
    is_endpoint(host) || host.split_once('.').is_some_and(|(bucket, rest)| is_bucket(bucket) && is_endpoint(rest))
}

/// The name of the service itself, before which a bucket may stand.
fn is_endpoint(host: &str) -> bool {
    // Of the suffixes, the longer first: the one for China has the other in front.
    if let Some(name) = host.strip_suffix(".amazonaws.com.cn") {
        return matches!(regional(name), Some(region) if region.starts_with("cn-"));
    }
    let Some(name) = host.strip_suffix(".amazonaws.com") else {
        return false;
    };
    match name {
        // Without a region, and what was once a part of us-east-1.
        "s3" | "s3-external-1" => true,
        "s3-accelerate" | "s3-accelerate.dualstack" => true,
        _ => regional(name).or_else(|| dashed(name)).is_some_and(|region| !region.starts_with("cn-")),
    }
}

/// The region of a name with its region behind a dot.
fn regional(name: &str) -> Option<&str> {
    const SERVICES: [&str; 4] = ["s3.dualstack.", "s3-fips.dualstack.", "s3.", "s3-fips."];
    SERVICES.iter().find_map(|service| name.strip_prefix(service)).filter(|region| is_region(region))
}

/// The region of a name with its region behind a dash, the older way.
fn dashed(name: &str) -> Option<&str> {
    name.strip_prefix("s3-").filter(|region| is_region(region))
}

/// The shape of a region's name: two letters, one or two words and a number, such as `eu-west-2` or `us-gov-west-1`.
fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let (area, words, number) = match parts.as_slice() {
        [area, words @ .., number] if matches!(words.len(), 1 | 2) => (area, words, number),
        _ => return false,
    };
    let is_word = |word: &str| word.len() >= 3 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    matches!(area.as_bytes(), [b'a'..=b'z', b'a'..=b'z'])
        && words.iter().all(|word| is_word(word))
        && matches!(number.as_bytes(), [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9'])
}

/// A bucket's name without dots: the certificates of S3 do not hold for names with dots.
fn is_bucket(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_names_pass_with_and_without_a_bucket() {
        let endpoints = [
            "s3.amazonaws.com",
            "s3.us-east-1.amazonaws.com",
            "s3.eu-west-2.amazonaws.com",
            "s3.ap-southeast-7.amazonaws.com",
            "s3.us-gov-west-1.amazonaws.com",
            "s3.eu-isoe-west-1.amazonaws.com",
            "s3.dualstack.eu-west-2.amazonaws.com",
            "s3-fips.us-east-2.amazonaws.com",
            "s3-fips.dualstack.us-east-2.amazonaws.com",
            "s3-eu-west-1.amazonaws.com",
            "s3-us-gov-west-1.amazonaws.com",
            "s3-external-1.amazonaws.com",
            "s3-accelerate.amazonaws.com",
            "s3-accelerate.dualstack.amazonaws.com",
            "s3.cn-north-1.amazonaws.com.cn",
            "s3.dualstack.cn-northwest-1.amazonaws.com.cn",
        ];
        for endpoint in endpoints {
            assert!(is_s3(endpoint), "{endpoint}");
            for bucket in ["terra-payload-bucket", "abc", "123"] {
                assert!(is_s3(&format!("{bucket}.{endpoint}")), "{bucket}.{endpoint}");
            }
        }
    }

    #[test]
    fn nothing_else_of_amazons_passes() {
        let others = [
            "amazonaws.com",
            ".amazonaws.com",
            "amazonaws.com.cn",
            "ec2.amazonaws.com",
            "ec2.eu-west-1.amazonaws.com",
            "ec2-52-1-2-3.compute-1.amazonaws.com",
            "bucket.ec2.eu-west-1.amazonaws.com",
            "abcdefghij.execute-api.eu-west-1.amazonaws.com",
            "s3.execute-api.eu-west-1.amazonaws.com",
            "lambda.eu-west-1.amazonaws.com",
            "my-balancer-123.eu-west-1.elb.amazonaws.com",
            "s3.eu-west-1.elb.amazonaws.com",
            "s3-123.elb.eu-west-1.amazonaws.com",
            "bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com",
            // S3's own, but not for objects over https.
            "bucket.s3-website-us-east-1.amazonaws.com",
            "bucket.s3-website.eu-west-2.amazonaws.com",
            "123456789012.s3-control.eu-west-2.amazonaws.com",
            "s3-control.eu-west-2.amazonaws.com",
            "name-123456789012.s3-accesspoint.eu-west-2.amazonaws.com",
            "bucket.s3-object-lambda.eu-west-2.amazonaws.com",
            "s3-object-lambda-us-east-1.amazonaws.com",
            "s3-outposts.eu-west-2.amazonaws.com",
            "s3express-use1-az4.us-east-1.amazonaws.com",
            "alias.accesspoint.s3-global.amazonaws.com",
        ];
        for host in others {
            assert!(!is_s3(host), "{host}");
        }
    }

    #[test]
    fn nothing_that_only_looks_like_it_passes() {
        let tricks = [
            "",
            ".",
            "s3",
            "s3.amazonaws.com.example.com",
            "evil-s3.amazonaws.com",
            "evil-s3.amazonaws.com.example.com",
            "evils3.amazonaws.com",
            "s3.amazonaws.com.evil",
            "s3-amazonaws.com",
            "s3.amazonaws.comm",
            "bucket.s3.evil.amazonaws.com",
            "bucket.s3.evil-1.amazonaws.com",
            "bucket.s3.eu-west-1.evil.amazonaws.com",
            "bucket.s3.dualstack.amazonaws.com",
            "s3.dualstack.amazonaws.com",
            "s3..amazonaws.com",
            ".s3.amazonaws.com",
            "my.bucket.s3.amazonaws.com",
            "a.b.c.s3.eu-west-1.amazonaws.com",
            "ab.s3.amazonaws.com",
            "-bucket.s3.amazonaws.com",
            "buck_et.s3.amazonaws.com",
            "s3.eu-west-.amazonaws.com",
            "s3.eu-1.amazonaws.com",
            "s3.eu-one-two-west-1.amazonaws.com",
            "s3.eu-a-west-1.amazonaws.com",
            "s3.eu-west-0.amazonaws.com",
            "s3.eu-west-123.amazonaws.com",
            "s3.eu--1.amazonaws.com",
            "s3.-west-1.amazonaws.com",
            "s3-.amazonaws.com",
            "s3-accelerate.eu-west-1.amazonaws.com",
            "s3.dualstack.dualstack.eu-west-1.amazonaws.com",
            // Each partition has its own domain.
            "s3.cn-north-1.amazonaws.com",
            "s3-cn-north-1.amazonaws.com",
            "s3.eu-west-1.amazonaws.com.cn",
            "s3.amazonaws.com.cn",
            "s3-accelerate.amazonaws.com.cn",
        ];
        for host in tricks {
            assert!(!is_s3(host), "{host}");
        }
    }
}
