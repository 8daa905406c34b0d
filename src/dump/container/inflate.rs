//! Decodes raw deflate: with zlib-rs, or with ISA-L where the feature `isal` builds it in.
//!
//! ISA-L decodes SQL text faster, but is made of C and assembler and takes autoconf, libtool and
//! nasm to build. Packages have it.

#[cfg(not(feature = "isal"))]
pub(super) use zlib::Inflate;

#[cfg(feature = "isal")]
pub(super) use isal::Inflate;

#[cfg(not(feature = "isal"))]
mod zlib {
    use flate2::{Crc, Decompress, FlushDecompress, Status};

    /// A deflate stream being decoded.
    pub(in super::super) struct Inflate {
        stream: Decompress,
        crc: Crc,
    }

    impl Inflate {
        /// Bytes of input with which it gets on.
        pub(in super::super) const ENOUGH: usize = 1;

        pub(in super::super) fn new() -> Self {
            Self {
                stream: Decompress::new(false),
                crc: Crc::new(),
            }
        }

        /// Begins with another stream.
        pub(in super::super) fn reset(&mut self) {
            self.stream.reset(false);
            self.crc.reset();
        }

        /// Bytes used since the start.
        pub(in super::super) fn total_in(&self) -> u64 {
            self.stream.total_in()
        }

        /// Bytes written since the start.
        pub(in super::super) fn total_out(&self) -> u64 {
            self.stream.total_out()
        }

        /// CRC-32 of what was written since the start.
        pub(in super::super) fn crc(&self) -> u32 {
            self.crc.sum()
        }

        /// Decodes some of `input` into some of `output`; returns whether the stream has ended.
        pub(in super::super) fn decompress(
            &mut self,
            input: &[u8],
            output: &mut [u8],
        ) -> Result<bool, String> {
            let before = self.total_out();
            let status = self.stream.decompress(input, output, FlushDecompress::None);
            let written = (self.total_out() - before) as usize;
            self.crc.update(output.get(..written).unwrap_or_default());
            let status = status.map_err(|error| error.to_string())?;
            Ok(status == Status::StreamEnd)
        }
    }
}

#[cfg(feature = "isal")]
mod isal {
    use std::mem::MaybeUninit;

    use isal_sys::igzip_lib as lib;

    /// A deflate stream being decoded.
    pub(in super::super) struct Inflate {
        state: Box<lib::inflate_state>,
        total_in: u64,
        total_out: u64,
        /// What is wrong with the stream, told when all that was decoded before it has been written.
        failed: Option<&'static str>,
    }

    impl Inflate {
        /// Bytes of input with which it gets on: the longest code with its distance has six, and as many again are on the
        /// safe side.
        pub(in super::super) const ENOUGH: usize = 12;

        pub(in super::super) fn new() -> Self {
            let mut state = Box::<MaybeUninit<lib::inflate_state>>::new(MaybeUninit::zeroed());
            // SAFETY: the state consists of numbers, arrays of them and pointers, for which zeros are values; the library
            // writes what it needs.
            let mut state = unsafe {
                lib::isal_inflate_init(state.as_mut_ptr());
                state.assume_init()
            };
            // The header and the checksum behind the stream are looked at elsewhere.
            state.crc_flag = lib::ISAL_GZIP_NO_HDR;
            Self {
                state,
                total_in: 0,
                total_out: 0,
                failed: None,
            }
        }

        /// Begins with another stream.
        pub(in super::super) fn reset(&mut self) {
            // SAFETY: the state was initialized.
            unsafe { lib::isal_inflate_reset(&mut *self.state) };
            (self.total_in, self.total_out, self.failed) = (0, 0, None);
        }

        /// Bytes used since the start.
        pub(in super::super) fn total_in(&self) -> u64 {
            self.total_in
        }

        /// Bytes written since the start.
        pub(in super::super) fn total_out(&self) -> u64 {
            self.total_out
        }

        /// CRC-32 of what was written since the start.
        pub(in super::super) fn crc(&self) -> u32 {
            self.state.crc
        }

        /// Decodes some of `input` into some of `output`; returns whether the stream has ended.
        pub(in super::super) fn decompress(
            &mut self,
            input: &[u8],
            output: &mut [u8],
        ) -> Result<bool, String> {
            if let Some(reason) = self.failed {
                return self.write_rest(output, reason);
            }
            let state = &mut *self.state;
            let given = u32::try_from(input.len()).unwrap_or(u32::MAX);
            let room = u32::try_from(output.len()).unwrap_or(u32::MAX);
            state.next_in = input.as_ptr().cast_mut();
            state.avail_in = given;
            state.next_out = output.as_mut_ptr();
            state.avail_out = room;
            // SAFETY: both pointers are good for as many bytes as stand beside them, and what `next_in` points to is only
            // read.
            let code = unsafe { lib::isal_inflate(state) };
            let ended = state.block_state == lib::isal_block_state_ISAL_BLOCK_FINISH;
            let mut read = given - state.avail_in;
            // It reads up to eight bytes ahead, which may belong to what follows the stream. They are given back and come
            // again, but where the beginning of a block waits for more: that was put aside behind them.
            if state.tmp_in_size == 0 {
                let ahead = u32::try_from(state.read_in_length / 8)
                    .unwrap_or_default()
                    .min(read);
                state.read_in_length -= 8 * ahead as i32;
                let bits = 1_u64.checked_shl(state.read_in_length.cast_unsigned());
                state.read_in &= bits.map_or(u64::MAX, |bit| bit - 1);
                read -= ahead;
            }
            let written = room - state.avail_out;
            self.total_in += u64::from(read);
            self.total_out += u64::from(written);
            let reason = match code {
                0.. => return Ok(ended),
                lib::ISAL_INVALID_BLOCK => "invalid block",
                lib::ISAL_INVALID_SYMBOL => "invalid code",
                lib::ISAL_INVALID_LOOKBACK => "invalid distance too far back",
                _ => "invalid data",
            };
            self.failed = Some(reason);
            let rest = output.get_mut(written as usize..).unwrap_or_default();
            self.write_rest(rest, reason)
        }

        /// Writes what was decoded before the stream went wrong and is still in the library's own buffer.
        fn write_rest(&mut self, output: &mut [u8], reason: &str) -> Result<bool, String> {
            let state = &mut *self.state;
            let place = |at: i32| usize::try_from(at).unwrap_or_default();
            let pending = place(state.tmp_out_processed)..place(state.tmp_out_valid);
            let pending = state.tmp_out_buffer.get(pending).unwrap_or_default();
            let count = pending.len().min(output.len());
            if let (Some(to), Some(from)) = (output.get_mut(..count), pending.get(..count)) {
                to.copy_from_slice(from);
            }
            self.total_out += count as u64;
            if count < pending.len() {
                state.tmp_out_processed += count as i32;
                return Ok(false);
            }
            state.tmp_out_processed = state.tmp_out_valid;
            Err(format!("deflate decompression error: {reason}"))
        }
    }
}
