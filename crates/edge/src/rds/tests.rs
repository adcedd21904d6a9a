use aws_sdk_rds::config::{BehaviorVersion, Credentials, Region as At};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

const ANSWER: &str = "<ModifyDBInstanceResponse><ModifyDBInstanceResult/></ModifyDBInstanceResponse>";

/// An endpoint that takes one request, answers that it was done, and gives what it was asked.
async fn asked(listener: TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = String::new();
    let mut buffer = [0; 4_096];
    while !request.contains("Version=2014-10-31") {
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "it ended early: {request}");
        request.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{ANSWER}", ANSWER.len());
    stream.write_all(answer.as_bytes()).await.unwrap();
    request
}

#[tokio::test]
async fn what_somebody_else_has_waiting_is_applied_only_where_backups_begin() {
    let change = |begins_backups| Change { retention_days: 7, deletion_protection: true, begins_backups };
    for (change, applies) in [(None, false), (Some(change(false)), false), (Some(change(true)), true)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = aws_sdk_rds::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(crate::tls::https_client())
            .region(At::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(format!("http://{}", listener.local_addr().unwrap()));
        let rds = Rds { client: Client::from_conf(config.build()), region: "us-east-1".parse().unwrap() };
        let (instance, groups) = ("orders-primary".parse().unwrap(), ["sg-00000002".parse().unwrap()]);
        let request = async {
            match change {
                None => rds.set_security_groups(&instance, &groups).await,
                Some(change) => rds.harden(&instance, change).await,
            }
        };
        let (done, request) = tokio::join!(request, asked(listener));
        done.unwrap();
        assert!(request.contains("Action=ModifyDBInstance"), "{request}");
        assert_eq!(request.contains("ApplyImmediately=true"), applies, "{change:?}: {request}");
    }
}
