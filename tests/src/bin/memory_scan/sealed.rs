//! A reader of the sealed file that shares nothing with the daemon's, so that what is looked for is what the file holds.
//!
//! The layout is that of `daemon/src/vault/sealed_file.rs`, with the key's home a passphrase.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20::R20;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use super::TEXT_PIECE;
use super::needles::Needle;

/// Everything of the file that nobody may find.
pub(crate) fn secrets(file: &[u8], passphrase: &[u8]) -> Result<Vec<Needle>, String> {
    let stretched = stretch(file, passphrase)?;
    let key = open(&stretched, file.get(56..80), file.get(80..128), file.get(..56))?;
    let key: [u8; 32] = key.try_into().map_err(|_| "the sealing key has another length")?;
    let (nonce, body) = (file.get(128..152), file.get(152..));
    let text = open(&key, nonce, body, file.get(..152))?;
    let text: serde_json::Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let keys =
        [("stretched_passphrase", stretched), ("sealing_key", key), ("file_key", of_nonce(&key, nonce)?)];
    let keys = keys.map(|(name, key)| Needle::pieces(name, &key, KEY_PIECE));
    let mut secrets = vec![Needle::pieces("passphrase", passphrase, WORDS_PIECE)];
    secrets.extend(keys);
    for record in text["records"].as_array().into_iter().flatten() {
        let token = record["refresh_token"].as_str().unwrap_or_default();
        secrets.push(Needle::pieces("sealed_refresh_token", token.as_bytes(), TEXT_PIECE));
    }
    if secrets.len() == 4 {
        return Err("the file has no refresh token".to_owned());
    }
    Ok(secrets)
}

/// RFC 9106 with the numbers that the header gives.
fn stretch(file: &[u8], passphrase: &[u8]) -> Result<[u8; 32], String> {
    if !file.starts_with(b"entradv\n\0\x01\x02") {
        return Err("the file's key is in another home than a passphrase".to_owned());
    }
    let number = |at: usize| {
        file.get(at..).and_then(<[u8]>::first_chunk).map(|it| u32::from_be_bytes(*it)).unwrap_or_default()
    };
    let params =
        Params::new(number(28), number(32), number(36), Some(32)).map_err(|error| error.to_string())?;
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase, file.get(40..56).unwrap_or_default(), &mut key)
        .map_err(|error| error.to_string())?;
    Ok(key)
}

fn open(
    key: &[u8; 32],
    nonce: Option<&[u8]>,
    sealed: Option<&[u8]>,
    aad: Option<&[u8]>,
) -> Result<Vec<u8>, String> {
    let (Some(nonce), Some(msg), Some(aad)) = (nonce, sealed, aad) else { return Err(SHORT.to_owned()) };
    let nonce = XNonce::try_from(nonce).map_err(|_| SHORT)?;
    let opened = XChaCha20Poly1305::new(key.into()).decrypt(&nonce, Payload { msg, aad });
    opened.map_err(|_| "the passphrase does not open the file".to_owned())
}

/// What XChaCha20 makes of the key for one nonce: it opens this file as well (draft-irtf-cfrg-xchacha-03 §2.2).
fn of_nonce(key: &[u8; 32], nonce: Option<&[u8]>) -> Result<[u8; 32], String> {
    let first: &[u8; 16] = nonce.and_then(<[u8]>::first_chunk).ok_or(SHORT)?;
    Ok(chacha20::hchacha::<R20>(key.into(), first.into()).into())
}

/// Eight bytes of a key in a row are none by chance.
const KEY_PIECE: usize = 8;

/// Two words of a passphrase.
const WORDS_PIECE: usize = 12;

const SHORT: &str = "the file is too short";
