use std::collections::BTreeSet;

use entra_proto::error::TABLE;
use rstest::rstest;

use super::*;

fn token(source: Source) -> Result<TokenAnswer, ErrorBody> {
    Ok(TokenAnswer {
        access_token: entra_proto::secret::AccessToken::new("t".to_owned()),
        token_type: "Bearer".to_owned(),
        expires_on: 0,
        scopes: Vec::new(),
        account: "u.t".parse().unwrap(),
        tenant: "t".to_owned(),
        source,
        refresh_due_on: 0,
    })
}

fn refusal(code: ErrorCode) -> Result<TokenAnswer, ErrorBody> {
    Err(ErrorBody::new(code, "No."))
}

/// Some of everything.
fn used() -> Metrics {
    let metrics = Metrics::new();
    for _ in 0..3 {
        metrics.asked().answered(&token(Source::Cache), false);
    }
    metrics.asked().answered(&token(Source::Refresh), false);
    metrics.asked().answered(&refusal(ErrorCode::Throttled), false);
    metrics.asked().exchanged(&Ok(()));
    metrics.asked().exchanged::<()>(&Err(ErrorBody::new(ErrorCode::Refused, "No.")));
    drop(metrics.asked());
    metrics.refresh_ended(Refreshed::Refreshed);
    metrics.refresh_ended(Refreshed::Dead);
    metrics.sign_in_started();
    metrics.sign_in_ended(SignInEnd::SignedIn);
    metrics.prompt_raised();
    metrics.prompt_settled();
    metrics.lease_made();
    metrics.leases_ended(2);
    metrics.dialect_asked(Dialect::Azd);
    metrics.audit_entries_lost(5);
    metrics.log_line_lost();
    metrics.entra_answered(Duration::from_millis(300));
    metrics
}

const NOW: Now = Now { started_on: 1_795_200_000, good: 1, sign_in_needed: 2 };

#[rstest]
#[case(concat!("entrad_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"))]
#[case("entrad_token_requests_total{result=\"cache\"} 3")]
#[case("entrad_token_requests_total{result=\"refresh\"} 1")]
#[case("entrad_token_requests_total{result=\"refused\"} 2")]
#[case("entrad_token_requests_total{result=\"exchanged\"} 1")]
#[case("entrad_token_requests_total{result=\"abandoned\"} 1")]
#[case("entrad_refusals_total{code=\"throttled\"} 1")]
#[case("entrad_refusals_total{code=\"refused\"} 1")]
#[case("entrad_cache_share 0.75")]
#[case("entrad_token_from_cache_duration_seconds_count 3")]
#[case("entrad_token_by_refresh_duration_seconds_count 1")]
#[case("entrad_entra_duration_seconds_bucket{le=\"0.25\"} 0")]
#[case("entrad_entra_duration_seconds_bucket{le=\"0.5\"} 1")]
#[case("entrad_entra_duration_seconds_bucket{le=\"+Inf\"} 1")]
#[case("entrad_entra_duration_seconds_sum 0.3")]
#[case("entrad_refreshes_total{outcome=\"dead\"} 1")]
#[case("entrad_sign_ins_started_total 1")]
#[case("entrad_sign_ins_ended_total{result=\"signed_in\"} 1")]
#[case("entrad_prompts_raised_total 1")]
#[case("entrad_prompts_settled_total 1")]
#[case("entrad_leases_made_total 1")]
#[case("entrad_leases_ended_total 2")]
#[case("entrad_dialect_requests_total{dialect=\"azd\"} 1")]
#[case("entrad_audit_entries_lost_total 5")]
#[case("entrad_log_lines_lost_total 1")]
#[case("entrad_accounts{health=\"sign_in_needed\"} 2")]
#[case("entrad_start_time_seconds 1795200000")]
#[case("# UNIT entrad_entra_duration_seconds seconds")]
fn what_was_counted_is_in_the_text(#[case] line: &str) {
    let text = used().text(&NOW).unwrap();
    assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
}

#[test]
fn what_was_counted_is_in_the_summary() {
    let expected = MetricsStatus {
        requests: 8,
        from_cache: 3,
        by_refresh: 1,
        refused: 2,
        refreshed: 1,
        refreshes_failed: 1,
        prompts: 1,
        sign_ins: 1,
    };
    assert_eq!(used().summary(), expected);
}

#[test]
fn who_waited_for_a_person_is_counted_and_not_measured() {
    let metrics = Metrics::new();
    metrics.asked().answered(&token(Source::Refresh), true);
    assert_eq!((metrics.summary().by_refresh, metrics.by_refresh.read().count()), (1, 0));
}

#[test]
fn a_connection_counts_while_it_stands() {
    let metrics = Metrics::new();
    let (one, other) = (metrics.connected(Listener::Socket), metrics.connected(Listener::Socket));
    drop(one);
    assert!(metrics.text(&NOW).unwrap().contains("\nentrad_connections{listener=\"socket\"} 1\n"));
    drop(other);
    assert!(metrics.text(&NOW).unwrap().contains("\nentrad_connections{listener=\"socket\"} 0\n"));
}

#[test]
fn each_measurement_is_told_to_whom_it_is_mirrored() {
    static SEEN: AtomicU64 = AtomicU64::new(0);
    let metrics = Metrics::new();
    metrics.mirror(|what, took| {
        assert_eq!((what, took), (Latency::Entra, Duration::from_secs(1)));
        SEEN.fetch_add(1, Ordering::Relaxed);
    });
    metrics.entra_answered(Duration::from_secs(1));
    assert_eq!(SEEN.load(Ordering::Relaxed), 1);
}

/// The shape that the specification asks for; a parser of others judges the text in `tests/real/clients`.
#[test]
fn the_text_has_its_shape() {
    for text in [used().text(&NOW).unwrap(), Metrics::new().text(&Now::default()).unwrap()] {
        assert!(text.ends_with("\n# EOF\n") && !text.contains("\n\n"), "{text}");
        let mut names = BTreeSet::new();
        let mut family = String::new();
        for line in text.lines().filter(|line| *line != "# EOF") {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(names.insert(name.to_owned()), "{name} stands twice");
                assert!(help.ends_with('.') && !help.contains(['\\', '"']), "{line}");
                name.clone_into(&mut family);
            } else if let Some(rest) = line.strip_prefix("# ") {
                assert_eq!(rest.split(' ').nth(1), Some(family.as_str()), "{line}");
            } else {
                let (sample, value) = line.rsplit_once(' ').unwrap();
                assert!(sample.starts_with(&family), "{line} stands below {family}");
                assert!(value.parse::<f64>().is_ok_and(|value| value >= 0.0), "{line}");
            }
        }
        assert_eq!(names.len(), Metrics::new().families(&NOW).len());
    }
}

/// Nothing that a request, an account or a program brings can be in a label.
#[test]
fn labels_are_a_closed_set() {
    let known = [
        ("version", vec![env!("CARGO_PKG_VERSION")]),
        (
            "result",
            vec!["abandoned", "cache", "exchanged", "refresh", "refused", "cancelled", "failed", "signed_in"],
        ),
        ("code", TABLE.iter().map(|row| row.name).collect()),
        (
            "outcome",
            vec![
                "ask_admin",
                "dead",
                "misconfigured",
                "not_asked",
                "refreshed",
                "retry_after",
                "sign_in_needed",
            ],
        ),
        ("dialect", vec!["azd", "managed_identity", "registry"]),
        ("health", vec!["good", "sign_in_needed"]),
        ("listener", vec!["loopback", "page", "socket"]),
    ];
    for family in used().families(&NOW) {
        let words: Vec<&str> = match &family.values {
            Values::Counter(numbers) | Values::Gauge(numbers) => {
                numbers.iter().map(|(word, _)| *word).collect()
            }
            Values::Histogram(_) | Values::Share(_) => Vec::new(),
        };
        let allowed = match family.label {
            Some(label) => &known.iter().find(|(name, _)| *name == label).expect(label).1,
            None => &vec![""],
        };
        assert!(words.iter().all(|word| allowed.contains(word)), "{}: {words:?}", family.name);
    }
}

#[test]
fn the_documentation_has_each_metric_as_it_is() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `entrad_")).collect();
    let families = Metrics::new().families(&NOW);
    let lacking: Vec<String> = families.iter().map(row).filter(|row| !rows.contains(&row.as_str())).collect();
    assert!(lacking.is_empty(), "docs/metrics.md lacks the rows:\n{}", lacking.join("\n"));
    assert_eq!(rows.len(), families.len());
}

fn row(family: &Family) -> String {
    let words = match &family.values {
        // The codes have a table of their own, and a version is no word of ours.
        Values::Counter(numbers) | Values::Gauge(numbers)
            if numbers.len() < CODES && family.label != Some("version") =>
        {
            numbers.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    let label = match (family.label, words.as_str()) {
        (None, _) => "-".to_owned(),
        (Some(label), "") => format!("`{label}`"),
        (Some(label), words) => format!("`{label}`: {words}"),
    };
    let (name, kind, unit) = (family.sample_name(), family.values.kind(), family.unit.unwrap_or("-"));
    format!("| `{name}` | {kind} | {unit} | {} | {label} |", family.help)
}
