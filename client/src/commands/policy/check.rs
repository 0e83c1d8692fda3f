//! `entra policy check`: whether all rules can be read, or those of a file could.

use entra_proto::config::Layer;
use entra_proto::error::exit;
use entra_proto::policy::{PolicyAnswer, PolicyFault};

use super::answer;
use crate::args::CheckRulesArgs;
use crate::failure::Failure;
use crate::print::Stream;
use crate::text::plain;

/// Reads and prints.
pub(super) fn run(args: &CheckRulesArgs) -> Result<(), Failure> {
    let stream = Stream::output();
    let Some(file) = &args.file else {
        let answer = answer::read(&[])?;
        faultless(&answer)?;
        let count = answer.rules.iter().filter(|rule| rule.origin.layer != Layer::BuiltIn).count();
        let words = match count {
            0 => "Nobody wrote a rule.".to_owned(),
            1 => "The rule is good.".to_owned(),
            count => format!("All {count} rules are good."),
        };
        return stream.write(stream.flow(0, &words).as_bytes());
    };
    faultless(&answer::read(&["--rules".into(), file.as_os_str().to_owned()])?)?;
    let shown = file.display().to_string();
    stream.write(stream.flow(0, &format!("{} is good.", plain(&shown))).as_bytes())
}

/// Fails with the first fault, and tells the others below it.
fn faultless(answer: &PolicyAnswer) -> Result<(), Failure> {
    let mut faults = answer.faults.iter().map(told);
    let Some(first) = faults.next() else { return Ok(()) };
    Err(faults.fold(Failure::new(exit::MISCONFIGURED, "misconfigured", first), Failure::hint))
}

/// A fault with its place, as compilers write it.
fn told(fault: &PolicyFault) -> String {
    let at = |number: Option<u32>| number.map(|number| format!(":{number}")).unwrap_or_default();
    match fault.line {
        Some(_) => format!("{}{}{}: {}", fault.place, at(fault.line), at(fault.column), fault.what),
        // The sentence names its source.
        None => fault.what.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_with_its_place() {
        assert!(faultless(&PolicyAnswer::default()).is_ok());
        let fault = |line, column, what: &str| PolicyFault {
            place: "/r.txt".to_owned(),
            line,
            column,
            what: what.to_owned(),
        };
        let faults = vec![fault(Some(3), Some(7), "One."), fault(None, None, "Two.")];
        let failure = faultless(&PolicyAnswer { rules: Vec::new(), faults }).unwrap_err();
        assert_eq!((failure.exit(), failure.message()), (exit::MISCONFIGURED, "/r.txt:3:7: One."));
        assert_eq!(failure.to_body().hint.as_deref(), Some("Two."));
    }
}
