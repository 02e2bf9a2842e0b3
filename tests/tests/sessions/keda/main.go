// Asks an external scaler as KEDA does, with KEDA's own generated client: address, service.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	// As KEDA dials: whatever addresses the name has, in turn.
	connection := must(grpc.NewClient("dns:///"+os.Args[1],
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(insecure.NewCredentials())))
	scaler := pb.NewExternalScalerClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	object := &pb.ScaledObjectRef{Name: "hosts", Namespace: "default",
		ScalerMetadata: map[string]string{"scalerAddress": os.Args[1], "serviceName": os.Args[2], "capacityPerHost": "4"}}
	spec := must(scaler.GetMetricSpec(ctx, object)).MetricSpecs[0]
	fmt.Println("spec", spec.MetricName, spec.TargetSize, spec.TargetSizeFloat)
	specs := must(must(scaler.StreamMetricSpec(ctx, object)).Recv()).MetricSpecs
	fmt.Println("streamed", len(specs), specs[0].TargetSizeFloat)
	active := must(scaler.StreamIsActive(ctx, object))
	fmt.Println("active", must(active.Recv()).Result)
	// Something is sent meanwhile.
	fmt.Println("active", must(active.Recv()).Result)
	values := must(scaler.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: object, MetricName: "outstanding"})).MetricValues
	fmt.Println("value", len(values), values[0].MetricValue, values[0].MetricValueFloat)
	fmt.Println("active", must(scaler.IsActive(ctx, object)).Result)
}
