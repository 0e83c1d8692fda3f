//! Who signed a program's file, by Authenticode, as far as Windows holds the signature for valid.
//!
//! The whole file is read. Nothing is asked of the network: a certificate that was revoked since is not found out, and neither are
//! the signatures that Windows keeps in its catalogs, beside its own programs' files.
//! Source: learn.microsoft.com, "WinVerifyTrust function", "WINTRUST_DATA structure", "WTHelperGetProvSignerFromChain function".
#![expect(unsafe_code, reason = "verifying a signature has no safe interface")]

use std::ffi::c_void;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::Security::Cryptography::{
    CERT_NAME_SIMPLE_DISPLAY_TYPE, CERT_TRUST_IS_NOT_SIGNATURE_VALID, CERT_TRUST_IS_PARTIAL_CHAIN,
    CERT_TRUST_IS_UNTRUSTED_ROOT, CertGetNameStringW,
};
use windows_sys::Win32::Security::WinTrust::{
    WINTRUST_ACTION_GENERIC_VERIFY_V2, WINTRUST_DATA, WINTRUST_DATA_0, WINTRUST_DATA_STATE_ACTION,
    WINTRUST_FILE_INFO, WTD_CACHE_ONLY_URL_RETRIEVAL, WTD_CHOICE_FILE, WTD_REVOCATION_CHECK_NONE,
    WTD_REVOKE_NONE, WTD_STATEACTION_CLOSE, WTD_STATEACTION_VERIFY, WTD_UI_NONE,
    WTHelperGetProvCertFromChain, WTHelperGetProvSignerFromChain, WTHelperProvDataFromStateData,
    WinVerifyTrust,
};

use crate::windows::wide;

/// The name in the certificate with which the file at `path` was signed. Nothing where it is not signed, was changed since, or by
/// somebody whom this machine does not trust. It takes as long as the file is large.
pub(super) fn of_file(path: &Path) -> Option<String> {
    let path = wide(path.as_os_str()).ok()?;
    let mut file = WINTRUST_FILE_INFO {
        cbStruct: size(size_of::<WINTRUST_FILE_INFO>()),
        pcwszFilePath: path.as_ptr(),
        ..WINTRUST_FILE_INFO::default()
    };
    let mut question = WINTRUST_DATA {
        cbStruct: size(size_of::<WINTRUST_DATA>()),
        dwUIChoice: WTD_UI_NONE,
        fdwRevocationChecks: WTD_REVOKE_NONE,
        dwUnionChoice: WTD_CHOICE_FILE,
        Anonymous: WINTRUST_DATA_0 { pFile: &raw mut file },
        dwProvFlags: WTD_CACHE_ONLY_URL_RETRIEVAL | WTD_REVOCATION_CHECK_NONE,
        ..WINTRUST_DATA::default()
    };
    let signer = ask(&mut question, WTD_STATEACTION_VERIFY).then(|| name_in(&question)).flatten();
    // What was kept for `name_in` is freed, also where the answer was no.
    ask(&mut question, WTD_STATEACTION_CLOSE);
    signer
}

/// Whether the answer is yes.
fn ask(question: &mut WINTRUST_DATA, what: WINTRUST_DATA_STATE_ACTION) -> bool {
    question.dwStateAction = what;
    let mut policy = WINTRUST_ACTION_GENERIC_VERIFY_V2;
    // SAFETY: the question, the file that it names and the file's path outlive the call. No window is shown.
    unsafe {
        WinVerifyTrust(INVALID_HANDLE_VALUE, &raw mut policy, ptr::from_mut(question).cast::<c_void>()) == 0
    }
}

/// The name of the first signer. The question has its answer, and was not closed.
fn name_in(question: &WINTRUST_DATA) -> Option<String> {
    let mut name = [0; 256];
    // SAFETY: what the answer has is there until it is closed; each pointer is used only where it leads somewhere. `name` is ours to
    // write, and as long as is said.
    let length = unsafe {
        let data = WTHelperProvDataFromStateData(question.hWVTStateData);
        let signer = (!data.is_null()).then(|| WTHelperGetProvSignerFromChain(data, 0, 0, 0))?;
        let chain = signer.as_ref()?.pChainContext.as_ref()?;
        if chain.TrustStatus.dwErrorStatus & UNTRUSTED != 0 {
            return None;
        }
        let certificate = WTHelperGetProvCertFromChain(signer, 0).as_ref()?.pCert;
        CertGetNameStringW(
            certificate,
            CERT_NAME_SIMPLE_DISPLAY_TYPE,
            0,
            ptr::null(),
            name.as_mut_ptr(),
            size(name.len()),
        )
    };
    // With the zero at its end.
    let length = usize::try_from(length).ok()?.checked_sub(1)?;
    let name = String::from_utf16_lossy(name.get(..length)?);
    // It may hold anything.
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    (!name.is_empty()).then_some(name)
}

/// Windows's yes has these in it. Wine gives it without, and notes them beside.
const UNTRUSTED: u32 =
    CERT_TRUST_IS_NOT_SIGNATURE_VALID | CERT_TRUST_IS_UNTRUSTED_ROOT | CERT_TRUST_IS_PARTIAL_CHAIN;

/// Sizes of what is here fit.
fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program with a valid signature is tried by `tests/real/windows/run`.
    #[test]
    fn who_did_not_sign_is_not_named() {
        assert_eq!(of_file(&std::env::current_exe().unwrap()), None);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("no program.exe");
        assert_eq!(of_file(&file), None, "there is none");
        std::fs::write(&file, "MZ").unwrap();
        assert_eq!(of_file(&file), None, "it is no program");
    }
}
