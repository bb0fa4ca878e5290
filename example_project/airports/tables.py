"""The table of the airports: SQLAlchemy's, in the database that ``AIRPORTS_DATABASE_URL`` names."""

from django.conf import settings
from sqlalchemy import String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine(settings.AIRPORTS_DATABASE_URL)
make_session = sessionmaker(engine)


class Base(DeclarativeBase):
    """The tables that ``load_airports`` makes; Django's migrations know nothing of them."""


class Airport(Base):
    """An airport, as the Bureau of Transportation Statistics lists it."""

    __tablename__ = "airport"

    iata: Mapped[str] = mapped_column(String(4), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    city: Mapped[str] = mapped_column(String(80), default="")
    state: Mapped[str] = mapped_column(String(2), default="")
    country: Mapped[str] = mapped_column(String(80), default="USA")
    latitude: Mapped[float]
    longitude: Mapped[float]
    version: Mapped[int] = mapped_column(default=1)
