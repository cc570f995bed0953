//! Formats of an object a line.

use super::{CLF, Durations, Made, RFC, Written, time};

const PLAIN: Written = Written {
    about: "",
    has_services: true,
    has_given_up: true,
    durations: Durations::Within(1),
    is_coarse: false,
    is_relative: false,
    head: "",
    line: generic,
};

fn generic(made: &Made) -> String {
    format!(
        "{{\"level\":\"info\",\"time\":\"{}\",\"service\":\"{}\",\"status\":{},\"duration\":{}}}\n",
        time(made.end, RFC),
        made.host,
        made.status,
        made.seconds()
    )
}

pub(super) fn all() -> Vec<Written> {
    vec![
        Written {
            about: "JSON lines",
            ..PLAIN
        },
        Written {
            about: "nginx, JSON",
            is_coarse: true,
            line: |made| {
                format!(
                    "{{\"time_local\":\"{}\",\"remote_addr\":\"192.0.2.1\",\"request\":\"GET / HTTP/1.1\",\"status\":\"{}\",\"upstream_addr\":\"{}\",\"upstream_status\":\"{}\",\"request_time\":\"{}\",\"upstream_response_time\":\"{}\"}}\n",
                    time(made.end, CLF),
                    made.status,
                    made.host,
                    made.upstream(),
                    made.seconds(),
                    made.seconds()
                )
            },
            ..PLAIN
        },
        Written {
            about: "Envoy or Istio, JSON",
            line: |made| {
                let (status, flags, grpc) = match made.status {
                    499 => (0, "DC", "null"),
                    502 => (503, "UF", "null"),
                    // gRPC says it in its own status.
                    503 => (200, "-", "14"),
                    status => (status, "-", "null"),
                };
                format!(
                    "{{\"start_time\":\"{}\",\"method\":\"POST\",\"upstream_cluster\":\"{}\",\"response_code\":{status},\"response_flags\":\"{flags}\",\"grpc_status\":{grpc},\"duration\":{}}}\n",
                    time(made.start(), RFC),
                    made.host,
                    made.took
                )
            },
            ..PLAIN
        },
        Written {
            about: "Traefik, JSON",
            line: |made| {
                let origin = if made.is_answered {
                    format!("\"OriginStatus\":{},", made.status)
                } else {
                    String::new()
                };
                format!(
                    "{{\"StartUTC\":\"{}\",\"ServiceName\":\"{}\",{origin}\"DownstreamStatus\":{},\"Duration\":{},\"level\":\"info\",\"msg\":\"\",\"time\":\"{}\"}}\n",
                    time(made.start(), "%Y-%m-%dT%H:%M:%S.%9fZ"),
                    made.host,
                    made.status,
                    made.took * 1_000_000,
                    time(made.end, "%Y-%m-%dT%H:%M:%SZ")
                )
            },
            ..PLAIN
        },
        Written {
            about: "Caddy",
            line: |made| {
                let status = if made.status == 499 { 0 } else { made.status };
                format!(
                    "{{\"level\":\"info\",\"ts\":{}.{:03},\"logger\":\"http.log.access\",\"msg\":\"handled request\",\"request\":{{\"remote_ip\":\"192.0.2.1\",\"method\":\"GET\",\"host\":\"{}\",\"uri\":\"/\",\"headers\":{{\"Accept\":[\"*/*\"]}}}},\"bytes_read\":0,\"duration\":{},\"size\":512,\"status\":{status},\"resp_headers\":{{\"Server\":[\"Caddy\"]}}}}\n",
                    made.end / 1000,
                    made.end % 1000,
                    made.host,
                    made.seconds()
                )
            },
            ..PLAIN
        },
        Written {
            about: "a Google Cloud load balancer",
            line: |made| {
                let (status, details) = match made.status {
                    499 => (0, "client_disconnected_before_any_response"),
                    502 => (502, "failed_to_connect_to_backend"),
                    status => (status, "response_sent_by_backend"),
                };
                format!(
                    "{{\"httpRequest\":{{\"latency\":\"{}s\",\"requestMethod\":\"GET\",\"requestUrl\":\"https://shop.example/\",\"status\":{status}}},\"insertId\":\"x\",\"jsonPayload\":{{\"@type\":\"type.googleapis.com/x\",\"statusDetails\":\"{details}\"}},\"resource\":{{\"labels\":{{\"backend_service_name\":\"{}\",\"zone\":\"global\"}},\"type\":\"http_load_balancer\"}},\"severity\":\"INFO\",\"timestamp\":\"{}\"}}\n",
                    made.seconds(),
                    made.host,
                    time(made.start(), "%Y-%m-%dT%H:%M:%S.%6fZ")
                )
            },
            ..PLAIN
        },
        Written {
            about: "Azure Application Gateway",
            line: |made| {
                format!(
                    "{{\"timeStamp\":\"{}\",\"resourceId\":\"/X\",\"operationName\":\"ApplicationGatewayAccess\",\"category\":\"ApplicationGatewayAccessLog\",\"properties\":{{\"instanceId\":\"a\",\"httpStatus\":{},\"serverStatus\":\"{}\",\"serverRouted\":\"{}\",\"serverResponseLatency\":\"{}\",\"timeTaken\":{}}}}}\n",
                    time(made.end, RFC),
                    made.status,
                    made.upstream(),
                    made.host,
                    made.seconds(),
                    made.seconds()
                )
            },
            ..PLAIN
        },
        Written {
            about: "Azure Front Door",
            line: |made| {
                format!(
                    "{{\"time\":\"{}\",\"category\":\"FrontDoorAccessLog\",\"properties\":{{\"httpMethod\":\"GET\",\"httpStatusCode\":\"{}\",\"originName\":\"{}\",\"hostName\":\"shop\",\"timeTaken\":\"{}\"}}}}\n",
                    time(made.end, RFC),
                    made.status,
                    made.host,
                    made.seconds()
                )
            },
            ..PLAIN
        },
        Written {
            about: "Cloudflare, Logpush",
            line: |made| {
                // Of a client that has gone the origin's status is 0.
                let origin = if made.is_answered { made.status } else { 0 };
                format!(
                    "{{\"ClientRequestHost\":\"{}\",\"EdgeStartTimestamp\":{}000000,\"EdgeEndTimestamp\":{}000000,\"EdgeResponseStatus\":{},\"OriginResponseStatus\":{origin},\"OriginResponseDurationMs\":{},\"RayID\":\"x\"}}\n",
                    made.host,
                    made.start(),
                    made.end,
                    made.status,
                    made.took
                )
            },
            ..PLAIN
        },
        Written {
            about: "Elastic Common Schema",
            line: |made| {
                format!(
                    "{{\"@timestamp\":\"{}\",\"ecs.version\":\"8.11.0\",\"event\":{{\"duration\":{}}},\"http\":{{\"request\":{{\"method\":\"GET\"}},\"response\":{{\"status_code\":{}}}}},\"destination\":{{\"address\":\"{}\"}}}}\n",
                    time(made.end, RFC),
                    made.took * 1_000_000,
                    made.status,
                    made.host
                )
            },
            ..PLAIN
        },
        Written {
            about: "vegeta's results, JSON",
            has_services: false,
            has_given_up: false,
            line: |made| {
                let code = if made.status == 502 {
                    0
                } else {
                    made.plain_status()
                };
                format!(
                    "{{\"attack\":\"\",\"seq\":{},\"code\":{code},\"timestamp\":\"{}\",\"latency\":{},\"bytes_out\":0,\"bytes_in\":5,\"error\":\"\",\"body\":null,\"method\":\"GET\",\"url\":\"http://shop/\",\"headers\":null}}\n",
                    made.number,
                    time(made.start(), "%Y-%m-%dT%H:%M:%S.%6f+00:00"),
                    made.took * 1_000_000
                )
            },
            ..PLAIN
        },
        Written {
            about: "k6's results, JSON",
            has_given_up: false,
            head: "{\"type\":\"Metric\",\"data\":{\"name\":\"http_req_duration\",\"type\":\"trend\",\"contains\":\"time\",\"thresholds\":[],\"submetrics\":null},\"metric\":\"http_req_duration\"}\n",
            line: |made| {
                let tags = format!(
                    "\"tags\":{{\"expected_response\":\"true\",\"method\":\"GET\",\"name\":\"{}\",\"status\":\"{}\"}}",
                    made.host,
                    if made.status == 502 {
                        0
                    } else {
                        made.plain_status()
                    }
                );
                let point = |metric: &str, value: &str| {
                    format!(
                        "{{\"metric\":\"{metric}\",\"type\":\"Point\",\"data\":{{\"time\":\"{}\",\"value\":{value},{tags}}}}}\n",
                        time(made.end, "%Y-%m-%dT%H:%M:%S.%6f+00:00")
                    )
                };
                point("http_reqs", "1")
                    + &point("http_req_duration", &format!("{}.0", made.took))
                    + &point("http_req_blocked", "0.01")
            },
            ..PLAIN
        },
        Written {
            about: "OpenTelemetry, client spans as OTLP JSON",
            has_given_up: false,
            line: |made| {
                let at = |millis: u64| format!("{millis}000000");
                let span = |kind: &str, status: &str, code: u16| {
                    format!(
                        "{{\"traceId\":\"5b8e\",\"spanId\":\"e1\",\"name\":\"GET\",\"kind\":{kind},\"startTimeUnixNano\":\"{}\",\"endTimeUnixNano\":\"{}\",\"attributes\":[{{\"key\":\"server.address\",\"value\":{{\"stringValue\":\"{}\"}}}}{status}],\"status\":{{\"code\":{code}}}}}",
                        at(made.start()),
                        at(made.end),
                        made.host
                    )
                };
                // Where nothing answered there is no status but the span's own.
                let client = if made.status == 502 {
                    span("3", "", 2)
                } else {
                    let status = format!(
                        ",{{\"key\":\"http.response.status_code\",\"value\":{{\"intValue\":\"{}\"}}}}",
                        made.plain_status()
                    );
                    span("3", &status, 0)
                };
                format!(
                    "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[]}},\"scopeSpans\":[{{\"scope\":{{}},\"spans\":[{client},{}]}}]}}]}}\n",
                    span("\"SPAN_KIND_SERVER\"", "", 2)
                )
            },
            ..PLAIN
        },
    ]
}
