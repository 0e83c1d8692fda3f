//! What somebody can have put in the sealed file's place.

use std::sync::LazyLock;

use zeroize::Zeroizing;

use super::locked_key::LockedKey;
use super::passphrase::params;
use super::record::Body;
use super::sealed_file::{Cost, Header, KeyId, KeySlot, ProtectedKey, WrappedKey, seal, unseal};

/// A file, by the first byte: any bytes, those behind a good beginning, a good file that was changed, or the text of a body that
/// somebody sealed who has the key.
pub fn sealed_file(data: &[u8]) {
    let Some((&how, rest)) = data.split_first() else { return };
    let Some(good) = &*GOOD else { return };
    match how % 4 {
        0 => refused(good, rest.to_vec()),
        1 => refused(good, [b"entradv\n\0\x01", rest].concat()),
        2 => changed(good, usize::from(how >> 4), rest),
        _ => body(good, rest),
    }
}

/// A key, and a file sealed under it for each shape of header.
struct Good {
    key: LockedKey,
    files: Vec<Vec<u8>>,
}

static GOOD: LazyLock<Option<Good>> = LazyLock::new(|| {
    let key = LockedKey::take(&mut [1; 32]).ok()?;
    let cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
    let wrapped = WrappedKey { cost, salt: [1; 16], nonce: [2; 24], sealed: [3; 48] };
    let protected = ProtectedKey::new(vec![4; 40])?;
    let slots =
        [KeySlot::SecretService, KeySlot::Keychain, KeySlot::Passphrase(wrapped), KeySlot::Dpapi(protected)];
    let files = slots.map(|slot| sealed(slot, &key, &serde_json::from_str(BODY).ok()?));
    Some(Good { files: files.into_iter().collect::<Option<_>>()?, key })
});

fn sealed(slot: KeySlot, key: &LockedKey, body: &Body) -> Option<Vec<u8>> {
    let header = Header { key_id: KeyId([5; 16]), slot };
    Some(seal(&header, [6; 24], key, body).ok()?.to_vec())
}

/// It was not sealed under the key.
fn refused(good: &Good, bytes: Vec<u8>) {
    if let Ok((header, _)) = Header::parse(&bytes)
        && let KeySlot::Passphrase(wrapped) = header.slot
        && let Ok(params) = params(wrapped.cost)
    {
        let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        assert!(memory <= 256 * 1024 && passes <= 16 && lanes <= 16, "it would be worked on for minutes");
    }
    let is_good = good.files.contains(&bytes);
    assert_eq!(unseal(Zeroizing::new(bytes), &good.key).is_ok(), is_good, "it was not sealed by us");
}

/// Changes are three bytes: where, and by what; what is left over is put behind the end.
fn changed(good: &Good, of: usize, changes: &[u8]) {
    let mut bytes = good.files[of % good.files.len()].clone();
    let (changes, end) = changes.as_chunks::<3>();
    for [high, low, by] in changes {
        let at = usize::from(u16::from_be_bytes([*high, *low]));
        match bytes.get_mut(at) {
            Some(byte) => *byte ^= by,
            None => bytes.truncate(at % (bytes.len() + 1)),
        }
    }
    bytes.extend(end);
    refused(good, bytes);
}

fn body(good: &Good, text: &[u8]) {
    let Ok(read) = serde_json::from_slice::<Body>(text) else { return };
    let written = |body: &Body| serde_json::to_string(body).unwrap_or_default();
    let Some(file) = sealed(KeySlot::SecretService, &good.key, &read) else { return };
    let Ok(mut again) = unseal(Zeroizing::new(file), &good.key) else { panic!("it was sealed by us") };
    assert!(written(&again) == written(&read), "another body came back");
    again.purge(u64::MAX);
    for entry in read.into_entries() {
        again.remove(&entry.key);
    }
    assert!(again.into_entries().is_empty());
}

const BODY: &str = r#"{"records":[{"entry":{"key":{"profile":"default","account":"u.t"},"cloud":"public","authority":"https://login.microsoftonline.com","tenant":"organizations","client_id":"00000000-0000-0000-0000-00000000c11e","username":"ada@example.com","provenance":{"flow":"device_code","signed_in_on":1},"obtained_on":1,"used_on":1},"refresh_token":"1.AX"}]}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_inputs_are_fine() {
        assert!(GOOD.is_some(), "there are good files to change");
        crate::replay::all("entrad::vault::fuzzing", &[("sealed_file", sealed_file)]);
    }
}
