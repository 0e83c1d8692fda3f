//! The table of leases.

use entra_proto::account::AccountInfo;
use entra_proto::lease::{EVERY_RESOURCE, LeaseInfo};

use crate::print::Stream;
use crate::text::plain;
use crate::when;

/// The leases with aligned columns; lines with their ends. For whom they speak is left out where none says.
pub(super) fn table(stream: &Stream, leases: &[LeaseInfo], accounts: &[AccountInfo], now: u64) -> String {
    let mut rows: Vec<Vec<String>> = vec![HEADINGS.map(str::to_owned).to_vec()];
    rows.extend(leases.iter().map(|lease| row(lease, accounts, now)));
    if leases.iter().all(|lease| lease.account.is_none() && lease.profile.is_none()) {
        for row in &mut rows {
            row.remove(SPEAKS_FOR);
        }
    }
    let columns = rows[0].len();
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut lines = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let line = cells.join("  ").trim_end().to_owned();
        lines.push_str(&if number == 0 { stream.bold(&line) } else { line });
        lines.push('\n');
    }
    lines
}

fn row(lease: &LeaseInfo, accounts: &[AccountInfo], now: u64) -> Vec<String> {
    vec![
        plain(&lease.name).into_owned(),
        plain(&lease.id).into_owned(),
        for_what(lease),
        speaks_for(lease, accounts),
        ends(lease, now),
        lease.used_on.map_or_else(|| "-".to_owned(), |used_on| when::relative(now, used_on)),
        lease.uses.to_string(),
    ]
}

/// The resources, that the secret may stand in a path, where logs keep it, and the agent that it is for.
pub(super) fn for_what(lease: &LeaseInfo) -> String {
    let resources = resources(lease);
    let agent = lease.agent.as_ref().map(|agent| format!(" of the agent {}", plain(agent)));
    let path = if lease.in_path { " (also in the path)" } else { "" };
    format!("{resources}{path}{}", agent.unwrap_or_default())
}

/// The first few by name.
fn resources(lease: &LeaseInfo) -> String {
    if lease.resources.iter().any(|resource| resource == EVERY_RESOURCE) {
        return "every resource".to_owned();
    }
    let shown = if lease.resources.len() > MOST_SHOWN { MOST_SHOWN - 1 } else { MOST_SHOWN };
    let names: Vec<_> = lease.resources.iter().take(shown).map(|resource| plain(resource)).collect();
    match lease.resources.len() - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// The account as people know it, and the profile.
fn speaks_for(lease: &LeaseInfo, accounts: &[AccountInfo]) -> String {
    let account = lease.account.as_ref().map(|id| {
        let known = accounts.iter().find(|account| account.id == *id);
        plain(known.map_or(id.as_str(), |account| &account.username)).into_owned()
    });
    let profile = lease.profile.as_ref().map(|profile| format!("profile {}", plain(profile)));
    let parts: Vec<String> = [account, profile].into_iter().flatten().collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

/// When it ends: with its process, at its time, or when somebody revokes it.
pub(super) fn ends(lease: &LeaseInfo, now: u64) -> String {
    let with = lease.process.map(|process| format!("with process {process}"));
    let at = lease.expires_on.map(|expires_on| when::relative(now, expires_on));
    let parts: Vec<String> = [with, at].into_iter().flatten().collect();
    if parts.is_empty() { "when revoked".to_owned() } else { parts.join(" or ") }
}

const HEADINGS: [&str; 7] = ["NAME", "ID", "FOR", "SPEAKS FOR", "ENDS", "LAST USED", "USES"];

/// The column of the account and the profile.
const SPEAKS_FOR: usize = 3;

/// Most resources that are named in a cell.
const MOST_SHOWN: usize = 3;

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::accounts::tests::account;
    use super::*;

    pub(in crate::commands::lease) fn lease(name: &str, resources: &[&str]) -> LeaseInfo {
        LeaseInfo {
            id: "0a1b2c3d4e5f".to_owned(),
            name: name.to_owned(),
            resources: resources.iter().map(|&resource| resource.to_owned()).collect(),
            account: None,
            profile: None,
            made_on: 0,
            expires_on: None,
            process: None,
            in_path: false,
            agent: None,
            used_on: None,
            uses: 0,
        }
    }

    #[test]
    fn columns_line_up_and_cells_are_safe() {
        let mut claude = lease("claude", &["foundry", "cognitive"]);
        (claude.used_on, claude.uses) = (Some(940), 12);
        let mut psql = lease("ps\u{1b}[31mql", &["postgres"]);
        (psql.process, psql.expires_on) = (Some(4242), Some(1000 + 7200));
        assert_eq!(
            table(&Stream::plain(), &[claude, psql], &[], 1000),
            "NAME    ID            FOR                 ENDS                         LAST USED  USES\n\
             claude  0a1b2c3d4e5f  foundry, cognitive  when revoked                 60 s ago   12\n\
             psql    0a1b2c3d4e5f  postgres            with process 4242 or in 2 h  -          0\n"
        );
    }

    #[test]
    fn whom_it_speaks_for_is_told_where_one_says() {
        let mut named = lease("a", &["arm"]);
        named.account = Some("ada.t-1".parse().unwrap());
        let mut gone = lease("b", &["arm"]);
        (gone.account, gone.profile) = (Some("alan.t-1".parse().unwrap()), Some("work".to_owned()));
        let text = table(&Stream::plain(), &[named, gone], &[account("ada@contoso.com", "work")], 0);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("FOR  SPEAKS FOR              ENDS"), "{text}");
        assert!(lines[1].contains("arm  ada@contoso.com "), "{text}");
        assert!(lines[2].contains("arm  alan.t-1, profile work  when"), "{text}");
    }

    #[test]
    fn many_resources_are_counted() {
        assert_eq!(for_what(&LeaseInfo { in_path: true, ..lease("a", &["arm"]) }), "arm (also in the path)");
        let of_agent = LeaseInfo { agent: Some("claude".to_owned()), ..lease("a", &["arm"]) };
        assert_eq!(for_what(&of_agent), "arm of the agent claude");
        assert_eq!(for_what(&lease("a", &["a", "b", "c"])), "a, b, c");
        assert_eq!(for_what(&lease("a", &["a", "b", "c", "d"])), "a, b and 2 more");
        assert_eq!(for_what(&lease("a", &["*"])), "every resource");
    }
}
