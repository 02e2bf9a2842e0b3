//! One file of the spool: frames one after the other, of which each can be found and told from damage by itself.
//!
//! ```text
//!   CRC-32 of the length │ length of the body │ CRC-32 of the length and the body │ body      (4 bytes each, little-endian)
//! ```
//!
//! Both checksums begin with a random number that is the file's alone: what a payload has in it is taken for no frame, though
//! the frame around it be damaged.

use super::record::Spooled;

/// Bytes in front of a body.
pub(crate) const HEAD: usize = 12;

/// Appends a frame, and gives its length.
pub(crate) fn write(salt: u64, spooled: &Spooled, out: &mut Vec<u8>) -> Result<u32, String> {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    spooled.write(out);
    let len = u32::try_from(out.len() - start).map_err(|_| "a message is too long".to_owned())?;
    let body_len = (len - 12).to_le_bytes();
    let crc = checksum(salt, body_len, &out[start + HEAD..]);
    out[start..start + 4].copy_from_slice(&checksum(salt, body_len, b"").to_le_bytes());
    out[start + 4..start + 8].copy_from_slice(&body_len);
    out[start + 8..start + HEAD].copy_from_slice(&crc.to_le_bytes());
    Ok(len)
}

fn checksum(salt: u64, len: [u8; 4], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(&len);
    hasher.update(body);
    hasher.finalize()
}

/// The message at the start of these bytes, and the length of its frame; `None` if it is not whole.
pub(crate) fn read(salt: u64, bytes: &[u8]) -> Option<(Spooled, usize)> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*head) != checksum(salt, *len, b"") {
        return None;
    }
    let body = rest.get(..usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
    if u32::from_le_bytes(*crc) != checksum(salt, *len, body) {
        return None;
    }
    Some((Spooled::read(body)?, HEAD + body.len()))
}

/// What a file has: whole messages by their offset and length, and what is none, by its offset and length.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) whole: Vec<(usize, usize, Spooled)>,
    pub(crate) damaged: Vec<(usize, usize)>,
}

/// Reads a file. Behind what is damaged the next whole message is looked for.
pub(crate) fn scan(salt: u64, bytes: &[u8]) -> Scan {
    let mut scan = Scan::default();
    let mut at = 0;
    while at < bytes.len() {
        if let Some((spooled, len)) = read(salt, &bytes[at..]) {
            scan.whole.push((at, len, spooled));
            at += len;
            continue;
        }
        let is_whole = |next: &usize| read(salt, &bytes[*next..]).is_some();
        let next = (at + 1..bytes.len()).find(is_whole).unwrap_or(bytes.len());
        scan.damaged.push((at, next - at));
        at = next;
    }
    scan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use bytes::Bytes;

    const SALT: u64 = 7;

    fn spooled(sequence: u64, payload: Vec<u8>) -> Spooled {
        let message = Message {
            edge_id: 1,
            job: None,
            topic: "t".into(),
            custom: Bytes::new(),
            labels: Vec::new(),
            payload: payload.into(),
            id: None,
        };
        Spooled { sequence, time: 0, message }
    }

    fn sequences(scan: &Scan) -> Vec<u64> {
        scan.whole.iter().map(|(.., spooled)| spooled.sequence).collect()
    }

    #[test]
    fn whatever_byte_is_wrong_the_other_messages_are_found() {
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        // A payload may be a frame, of another file.
        let mut frame = Vec::new();
        write(SALT + 1, &spooled(99, Vec::new()), &mut frame).unwrap();
        for sequence in 0..3 {
            write(SALT, &spooled(sequence, frame.clone()), &mut bytes).unwrap();
            ends.push(bytes.len());
        }
        let whole = scan(SALT, &bytes);
        assert_eq!((sequences(&whole), whole.damaged.len()), (vec![0, 1, 2], 0));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            let scan = scan(SALT, &damaged);
            let hit = (0..3).find(|it| at < ends[it + 1]).unwrap();
            let expected: Vec<u64> = (0..3).filter(|it| *it != hit as u64).collect();
            assert_eq!(sequences(&scan), expected, "byte {at}");
            assert_eq!(scan.damaged, [(ends[hit], ends[hit + 1] - ends[hit])], "byte {at}");
        }
        for end in 0..bytes.len() {
            let scan = scan(SALT, &bytes[..end]);
            assert_eq!(scan.whole.len(), ends.iter().filter(|it| **it <= end).count() - 1, "{end} bytes");
            assert_eq!(scan.damaged.is_empty(), ends.contains(&end));
        }
    }
}
