//! The logon task, from the template in `service-files/` (Microsoft: "Task Scheduler Schema").
//!
//! A console program that a task starts has a console window for as long as it runs. So the task starts the console itself
//! without a window, and has it run the daemon.

/// The task that starts this program when the user with this SID logs on.
pub(super) fn task(console: &str, program: &str, sid: &str) -> Result<String, Unwritable> {
    Ok(TASK
        .replace(ANYBODY, &escaped(sid)?)
        .replace("<Command>conhost.exe<", &format!("<Command>{}<", escaped(console)?))
        .replace("\"entrad.exe\"", &format!("\"{}\"", escaped(program)?)))
}

/// The program that a task starts, by its definition, where `entra` wrote it.
pub(super) fn program_of(task: &str) -> Option<String> {
    if !task.contains(SOURCE) {
        return None;
    }
    let rest = task.split_once(PROGRAM_BEGIN)?.1;
    let escaped = rest.split_once(PROGRAM_END)?.0;
    let text =
        escaped.replace("&quot;", "\"").replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&");
    Some(text.trim_matches('"').to_owned())
}

/// Whether it is one of entra's.
pub(super) fn is_ours(task: &str) -> bool {
    task.contains(SOURCE)
}

/// A path that no task can name.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{0:?} holds characters that a task cannot name.")]
pub(super) struct Unwritable(String);

fn escaped(text: &str) -> Result<String, Unwritable> {
    // Windows has no such paths; a quote would end the argument.
    if text.contains(char::is_control) || text.contains('"') {
        return Err(Unwritable(text.to_owned()));
    }
    Ok(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

const TASK: &str = include_str!("../../../service-files/entrad-task.xml");
const SOURCE: &str = "<Source>entra service install</Source>";
const ANYBODY: &str = "S-1-5-18";
const PROGRAM_BEGIN: &str = "<Arguments>--headless ";
const PROGRAM_END: &str = "</Arguments>";

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    #[test]
    fn it_stays_xml_and_starts_the_program_for_its_user_alone() {
        let (console, program, sid) =
            (r"C:\Windows\System32\conhost.exe", r"C:\A & B\entrad.exe", "S-1-5-21-1-2-3-1001");
        let text = task(console, program, sid).unwrap();
        let document = Document::parse(&text).unwrap();
        let texts = |tag: &str| -> Vec<String> {
            let nodes = document.descendants().filter(|node| node.tag_name().name() == tag);
            nodes.map(|node| node.text().unwrap().to_owned()).collect()
        };
        assert_eq!(texts("UserId"), [sid, sid]);
        assert_eq!(texts("Command"), [console]);
        assert_eq!(texts("Arguments"), [format!("--headless \"{program}\"")]);
        assert_eq!(texts("RunLevel"), ["LeastPrivilege"]);
        assert!(is_ours(&text));
        assert_eq!(program_of(&text).as_deref(), Some(program));
        assert_eq!(program_of(&text.replace(SOURCE, "")), None);
        assert!(task(console, "C:\\\"", sid).is_err() && task(console, program, "a\n").is_err());
    }
}
