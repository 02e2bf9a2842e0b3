//! Where each frame on a stream goes.

use super::core::Core;
use super::end::End;
use super::error::StreamError;
use super::inbox::Delivery;
use super::reader::Reader;
use super::request::StreamResponse;
use crate::kept::kept;
use frontier_protocol::{Ack, Code, Flags, Frame, Kind, Publish, Response};
use std::sync::Arc;

impl Core {
    /// Brings a frame to whom it concerns.
    ///
    /// # Errors
    /// The end of the stream, if the frame has no place on it.
    pub(super) fn dispatch(self: &Arc<Self>, reader: &mut Reader, frame: &Frame) -> Result<(), End> {
        let known = match frame.kind {
            Kind::Publish => {
                reader.undelivered = self.inbox.push(delivery(frame)?).err();
                true
            }
            Kind::Ack => self.pending.resolve(frame.id, Kind::Publish, acked(frame)?),
            Kind::Response => self.pending.resolve(frame.id, Kind::Request, answered(frame)?),
            Kind::Request => {
                attached(frame)?;
                self.serve(frame)?;
                true
            }
            Kind::Cancel => {
                self.served.cancel(frame.id);
                true
            }
            _ => false,
        };
        if known { Ok(()) } else { Err(End::protocol(format_args!("{:?} frame out of place", frame.kind))) }
    }
}

fn delivery(frame: &Frame) -> Result<Delivery, End> {
    attached(frame)?;
    let publish = Publish::parse(frame).map_err(End::protocol)?;
    Ok(Delivery {
        topic: publish.topic.to_owned(),
        data: kept(frame.body.slice_ref(publish.payload)),
        custom: kept(frame.body.slice_ref(publish.custom.body())),
        ack: frame.flags.has(Flags::ACKED).then_some(frame.id),
    })
}

fn acked(frame: &Frame) -> Result<Result<StreamResponse, StreamError>, End> {
    let ack = Ack::parse(frame).map_err(End::protocol)?;
    Ok(match ack.code {
        Code::Ok => Ok(StreamResponse::default()),
        code => Err(StreamError { code, detail: ack.detail, text: ack.text.to_owned() }),
    })
}

fn answered(frame: &Frame) -> Result<Result<StreamResponse, StreamError>, End> {
    attached(frame)?;
    let response = Response::parse(frame).map_err(End::protocol)?;
    Ok(match response.code {
        Code::Ok => Ok(StreamResponse {
            data: kept(frame.body.slice_ref(response.payload)),
            custom: kept(frame.body.slice_ref(response.custom.body())),
        }),
        code => {
            let text = String::from_utf8_lossy(response.payload).into_owned();
            Err(StreamError { code, detail: response.detail, text })
        }
    })
}

/// Refuses a payload that would follow on the mux stream: this one is taken.
fn attached(frame: &Frame) -> Result<(), End> {
    if frame.flags.has(Flags::DETACHED) {
        return Err(End::protocol(format_args!("{:?} frame with a detached payload", frame.kind)));
    }
    Ok(())
}
