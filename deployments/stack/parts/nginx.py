"""nginx's configuration: four doors with TLS, everything behind them on loopback."""

from pathlib import Path
from string import Template

from deployments.stack.layout import Layout
from deployments.supervision.unit import HOST

_WHOLE = Template("""\
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/error.log warn;
events { worker_connections 1024; }
http {
  access_log off;
  server_tokens off;
  client_body_temp_path $work/body;
  proxy_temp_path $work/proxy;
  fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi;
  scgi_temp_path $work/scgi;
  ssl_certificate $tls/server.pem;
  ssl_certificate_key $tls/server.key;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:tls:1m;
  add_header Strict-Transport-Security "max-age=31536000" always;
  add_header X-Content-Type-Options nosniff always;
  map $$http_upgrade $$connection_upgrade { default upgrade; '' ''; }
  # a request for another host, or from another page, goes nowhere
  map $$http_origin $$foreign_origin { default 1; '' 0; $origins }
  proxy_http_version 1.1;
  proxy_set_header Host $$http_host;
  proxy_set_header X-Forwarded-Proto https;
  proxy_set_header X-Forwarded-For $$remote_addr;
  proxy_set_header Upgrade $$http_upgrade;
  proxy_set_header Connection $$connection_upgrade;
  proxy_connect_timeout 5s;
  upstream prefect {
    server $host:$prefect_a max_fails=1 fail_timeout=2s;
    server $host:$prefect_b max_fails=1 fail_timeout=2s;
    keepalive 16;
  }
$doors
}
""")
_DOOR = Template("""\
  server {
    listen $host:$port ssl;
    server_name $host localhost;
    client_max_body_size $body;
    proxy_read_timeout ${patience}s;
    proxy_send_timeout ${patience}s;
    if ($$foreign_origin) { return 403; }
    $more
    location / { proxy_pass http://$upstream; }
  }
  server {
    listen $host:$port ssl default_server;
    return 421;
  }
""")
# Bodies of files pass through as they come; everything else is small.
_STREAM = "proxy_request_buffering off; proxy_buffering off;"


def configuration(layout: Layout, work: Path) -> str:
    """Write nginx.conf. work: where it may keep what passes through."""
    ports = layout.ports
    doors = [
        # The worker's channel and the events are sockets that stay silent for long.
        _door(ports.prefect_tls, "prefect", body="4m", patience=300, more=""),
        _door(ports.mlflow_tls, f"{HOST}:{ports.mlflow}", body="0", patience=300, more=_STREAM),
        _door(ports.s3_tls, f"{HOST}:{ports.ceph}", body="0", patience=300, more=_STREAM),
        _door(ports.receiver_tls, f"{HOST}:{ports.receiver}", body="1m", patience=30, more=""),
    ]
    origins = " ".join(f'"{each}" 0;' for each in (layout.prefect, layout.mlflow))
    return _WHOLE.substitute(
        work=work,
        tls=layout.directory / "tls",
        host=HOST,
        origins=origins,
        prefect_a=ports.prefect_a,
        prefect_b=ports.prefect_b,
        doors="".join(doors),
    )


def _door(port: int, upstream: str, *, body: str, patience: int, more: str) -> str:
    return _DOOR.substitute(host=HOST, port=port, upstream=upstream, body=body, patience=patience, more=more)
