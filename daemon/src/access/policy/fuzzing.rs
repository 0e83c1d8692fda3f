//! What a text of rules can hold, whoever wrote it: an administrator, a person, or what `entra policy check` is given.

use super::parse::parse;

/// Rules, a line each. What is taken is written as it is meant, and what is refused is told in plain words, with its place.
pub fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse(text.lines()) {
        Ok(rules) => {
            for (_, rule) in rules {
                let written = rule.to_string();
                let again =
                    parse([written.as_str()]).map(|rules| rules.into_iter().map(|(_, rule)| rule).collect());
                assert_eq!(again, Ok(vec![rule]), "{written}");
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
            for fault in faults.iter().map(|fault| fault.told("place")) {
                assert!(!fault.what.contains(char::is_control), "{:?}", fault.what);
                assert!((1..=lines).contains(&fault.line.unwrap_or_default()), "{fault:?}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_inputs_are_fine() {
        crate::replay::all("entrad::access::policy::fuzzing", &[("policy", policy)]);
    }
}
