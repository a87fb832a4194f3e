# MediCore's image: every program, the front door and what checks their health.  docker-compose.yml runs it, one service per program.
ARG DEBIAN=debian:bookworm

# The build needs what packages_build of tests/lib/dev/packages.sh has, but for the unit tests' library.
FROM ${DEBIAN} AS build
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	gcc make autoconf automake autoconf-archive pkg-config libc6-dev libfcgi-dev libpq-dev libjson-c-dev \
	libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libgrpc-dev librdkafka-dev libinih-dev libutf8proc-dev \
	libssl-dev libcjose-dev libjansson-dev libcurl4-openssl-dev libsodium-dev libcrypt-dev libpango1.0-dev
COPY . /src
RUN cd /src && autoreconf -fi && mkdir /build && cd /build && \
	/src/configure -q --prefix=/usr --sysconfdir=/etc && make -s -j"$(nproc)" && make -s install-strip DESTDIR=/install

FROM ${DEBIAN}
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	libfcgi0ldbl libpq5 libjson-c5 libprotobuf-c1 libgrpc29 librdkafka1 libinih1 libutf8proc2 libcjose0 libcurl4 libsodium23 libcrypt1 libssl3 libpangocairo-1.0-0 tzdata \
	fonts-dejavu-core fonts-lohit-deva fonts-droid-fallback \
	spawn-fcgi multiwatch apache2-bin lighttpd openssl curl libfcgi-bin && \
	rm -rf /var/lib/apt/lists/*
# A volume takes its owner from the directory that it covers first.  The front door is www-data with the group medicore: it may
# talk to the programs' sockets, and nobody else may read its key.
# Users of their own have auth, which alone may read the keys that sign tokens, and the relays, which alone may read the audit trail's.
RUN groupadd --system --gid 990 medicore && for user in 990:medicore 991:medicore-relay 992:medicore-auth; do \
		useradd --system --uid "${user%:*}" --gid medicore --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "${user#*:}"; done && \
	install -d -o medicore -g medicore -m 770 /run/medicore /run/medicore/worker && \
	install -d -o medicore-relay -g medicore -m 3770 /var/spool/medicore/audit/patient /var/spool/medicore/audit/scheduling \
		/var/spool/medicore/audit/billing /var/spool/medicore/audit/auth && \
	install -d -o medicore -g medicore -m 750 /var/lib/medicore/programs && \
	install -d -o medicore-relay -g medicore -m 700 /var/lib/medicore/audit && \
	install -d -o medicore-auth -g medicore -m 700 /var/lib/medicore/keys && \
	install -d -o www-data -g www-data -m 700 /var/lib/medicore/tls
COPY --from=build /install /
COPY --from=build /install/usr/share/medicore/static/openapi.json /usr/share/medicore/static/
COPY httpd /usr/share/medicore/httpd
COPY httpd/apache/errors /usr/share/medicore/static/errors
COPY demo /usr/share/medicore/demo
COPY container/auth-http.conf /usr/share/medicore/
COPY container/front-door container/healthy container/with-secrets /usr/libexec/medicore/
RUN chmod -R u=rwX,go=rX /usr/share/medicore /usr/libexec/medicore
USER medicore
CMD ["medicore", "--help"]
