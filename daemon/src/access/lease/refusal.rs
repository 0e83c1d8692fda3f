//! Why a lease is not made, or admits nobody.

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::MAX_LEASES;

pub(super) fn bad(sentence: String) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, sentence)
}

pub(super) fn no_process(pid: u32) -> ErrorBody {
    bad(format!("There is no process {pid} to bind the lease to."))
}

pub(super) fn too_many() -> ErrorBody {
    let error = ErrorBody::new(ErrorCode::Refused, format!("There are {MAX_LEASES} leases already."));
    error.with_hint("`entra lease ls` lists them, `entra lease revoke NAME` ends one.")
}

pub(super) fn stranger() -> ErrorBody {
    let error = ErrorBody::new(
        ErrorCode::Refused,
        "The secret that was presented is no lease's, or its lease was revoked.",
    );
    error.with_hint("Make a new one by `entra setup` or `entra env`, or start the program by `entra run`.")
}

pub(super) fn over(name: &str) -> ErrorBody {
    let error = ErrorBody::new(ErrorCode::Refused, format!("The lease `{name}` is over."));
    error.with_hint("Make a new one by `entra setup` or `entra env`, or start the program by `entra run`.")
}

pub(super) fn not_in_path(name: &str) -> ErrorBody {
    let error = ErrorBody::new(
        ErrorCode::Refused,
        format!("The secret of the lease `{name}` may not stand in a path."),
    );
    error.with_hint("Make one that may by `--in-path`, or present it in the header X-IDENTITY-HEADER.")
}
