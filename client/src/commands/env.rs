//! `entra env`: the variables by which tools get tokens, for a shell to read.

use entra_proto::error::exit;
use entra_proto::lease::LeaseRequest;

use crate::args::EnvArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::platform::USUAL_SHELL;
use crate::print::{self, Stream};
use crate::shell::{self, how_to_read, is_lasting, written};
use crate::surroundings::Surroundings;

/// Makes the lease and prints the variables.
pub(crate) fn run(socket: &Socket, args: EnvArgs) -> Result<(), Failure> {
    let shell = match args.shell {
        Some(shell) => shell,
        None => shell::guess(std::env::var_os("SHELL").as_deref(), USUAL_SHELL)?,
    };
    if is_lasting(shell) && !args.means.env.is_empty() {
        return Err(Failure::new(
            exit::USAGE,
            "token_would_not_last",
            "A token is good for about an hour, so it is not put where variables stay.",
        )
        .hint("Leave out --env here, and run the tool by `entra run --env VAR=RESOURCE -- CMD`."));
    }
    let further = args.means.env.iter().map(|variable| variable.resource.clone()).collect();
    let request = LeaseRequest {
        expires_in: args.expires_in,
        process: args.process,
        ..args.means.terms.request(args.name, further)
    };
    let surroundings = Surroundings::ask_for(socket, &request, &args.means.env, &args.means.keep)?;
    let text = written(shell, &surroundings, &|name| std::env::var_os(name)).map_err(|_| {
        Failure::new(exit::INTERNAL, "output_failed", "The variables cannot be written as text.")
    })?;
    let output = Stream::output();
    print::write_output(text.as_bytes())?;
    if output.is_terminal() {
        let line = how_to_read(shell, "entra env --for foundry");
        print::note(&format!(
            "This is for your shell to read, as in `{line}`. It holds a secret: whoever has it can ask for these \
             tokens on this machine until `entra lease revoke {}`.",
            request.name
        ));
    }
    Ok(())
}
