//! Nobody is known again here: each connection is looked at.

use super::Caller;
use super::peer::Stream;
use super::process::Process;

/// Who connected `stream` and has this number.
pub(super) fn caller(stream: &Stream, pid: Option<u32>) -> Caller {
    Caller::from(Process::behind(stream, pid))
}
