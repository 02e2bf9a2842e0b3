//! gRPC reflection: what tools such as grpcurl ask, in place of protobuf files.

use axum::Router;
use tonic_reflection::server::Builder;

/// What is wrong with a description of services.
#[derive(Debug, thiserror::Error)]
#[error("the description of the gRPC services can't be used: {0}")]
pub struct ReflectionError(#[from] tonic_reflection::server::Error);

/// The routes of reflection for the services of `descriptors`, each an encoded `FileDescriptorSet`, and for health: in the
/// version that is current, and in the one that older tools know.
///
/// # Errors
/// [`ReflectionError`] if one of `descriptors` is none.
pub fn reflection(descriptors: &[&'static [u8]]) -> Result<Router, ReflectionError> {
    let builder = || {
        let health =
            Builder::configure().register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        descriptors.iter().fold(health, |builder, one| builder.register_encoded_file_descriptor_set(one))
    };
    Ok(Router::new()
        .route_service("/grpc.reflection.v1.ServerReflection/{call}", builder().build_v1()?)
        .route_service("/grpc.reflection.v1alpha.ServerReflection/{call}", builder().build_v1alpha()?))
}
